"""The commands: one clear sentence for each input, good or bad."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from campaigns.models import Campaign, Email
from leads.suppression import suppress
from tasks.models import Task

pytestmark = pytest.mark.django_db


def run(capsys, *arguments):
    call_command(*arguments)
    return capsys.readouterr().out


def test_status_tells_the_plan_and_the_figures(make_email, capsys):
    email = make_email()

    said = run(capsys, "campaign", "status", email.campaign.name)
    told = json.loads(
        run(capsys, "campaign", "status", str(email.campaign_id), "--json")
    )

    assert said.startswith(f"{email.campaign}: running\nToday 0 of 1 sent;")
    assert told["mails"] == {"waiting": 1}
    assert told["plan"]["left"] == 1
    assert told["plan"]["days"] == 1
    assert told["funnel"]["included"] == 1
    assert told["steps"] == {f"1. {email.template.name}": {"waiting": 1}}


def test_why_finds_by_address_beginning_number_and_name(make_email, capsys):
    email = make_email()
    name = email.campaign.name

    for asked in (
        email.address.upper(),
        email.address[:6],
        str(email.lead_id),
        email.lead.name[2:].lower(),
    ):
        said = run(capsys, "campaign", "why", name, asked)
        assert f"<{email.address}>: Not sent yet: it waits for its turn" in said
        assert "No task is planned for it" in said
    told = json.loads(run(capsys, "campaign", "why", name, email.address, "--json"))
    assert told["recipients"][0]["address"] == email.address


def test_why_says_what_else_holds_a_mail(make_email, make_account, capsys):
    email = make_email()
    email.account.is_enabled = False
    email.account.save()
    suppress(email.address, reason="asked")

    said = run(capsys, "campaign", "why", email.campaign.name, email.address)

    assert "is switched off: switch it on." in said
    assert "stands on the suppression list" in said


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("x", "Write two characters or more"),
        ("later@bakery.example", "was not considered: the lead came after the launch"),
        ("never@bakery.example", "asked not to be written to"),
        ("nobody@bakery.example", "no lead had it at the launch"),
    ],
)
def test_why_has_a_sentence_for_whoever_is_no_recipient(
    asked, sentence, make_campaign, make_lead
):
    campaign = make_campaign(launched_at=timezone.now())
    make_lead(email="later@bakery.example")
    suppress("never@bakery.example", reason="asked")

    with pytest.raises(CommandError, match=sentence):
        call_command("campaign", "why", campaign.name, asked)


def test_nobody_was_considered_before_the_launch(make_campaign):
    campaign = make_campaign(state="draft")

    with pytest.raises(CommandError, match="has not been launched"):
        call_command("campaign", "why", campaign.name, "a@b.example")


def test_a_launch_is_scheduled_at_a_time(make_campaign, capsys):
    campaign = make_campaign(state="draft")
    when = (timezone.now() + timedelta(days=1)).replace(second=0, microsecond=0)

    said = run(capsys, "campaign", "launch", campaign.name, "--at", when.isoformat())

    campaign.refresh_from_db()
    assert (campaign.state, campaign.scheduled_at) == ("scheduled", when)
    assert said.startswith(f"{campaign}: it launches on ")


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("tomorrow", "'tomorrow' is no time: write it as 2026-12-01 09:00"),
        ("2026-13-45 09:00", "is no time"),
        ("2001-01-01 09:00", "lies in the past"),
    ],
)
def test_a_wrong_time_is_refused_in_one_sentence(at, sentence, make_campaign):
    campaign = make_campaign(state="draft")

    with pytest.raises(CommandError, match=sentence):
        call_command("campaign", "launch", campaign.name, "--at", at)
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_a_reason_is_kept_and_a_name_of_digits_is_a_name(make_campaign, capsys):
    campaign = make_campaign(name="2026")

    run(capsys, "campaign", "pause", "2026", "--reason", "Typo in the subject.")

    campaign.refresh_from_db()
    assert (campaign.state, campaign.state_reason) == ("paused", "Typo in the subject.")
    with pytest.raises(CommandError, match=f"there are: {campaign.pk} '2026'"):
        call_command("campaign", "status", "2027")
    Campaign.objects.update(name="x" * 100)
    with pytest.raises(CommandError, match="There is no campaign"):
        call_command("campaign", "status", "9" * 40)


def test_a_mail_is_enqueued_by_names(make_lead, make_template, make_account, capsys):
    lead, template, account = make_lead(), make_template(), make_account()
    names = [
        "--lead",
        lead.email,
        "--template",
        template.name,
        "--account",
        account.name,
    ]

    said = run(capsys, "email", "send", *names)

    assert said == f"The mail to {lead.email} is enqueued.\n"
    assert Task.objects.get().kwargs == {"email_id": Email.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_is_sent_now_says_what_came_of_it(
    server, make_lead, make_template, make_account, capsys
):
    lead, template = make_lead(), make_template()
    account = make_account(server.port)
    names = [
        "--lead",
        str(lead.pk),
        "--template",
        str(template.pk),
        "--account",
        account.name,
    ]

    said = run(capsys, "email", "send", *names, "--now")
    assert said.startswith(f"{lead.email}: sent.")

    suppress(lead.email, reason="asked")
    with pytest.raises(CommandError, match=r"is skipped: This address asked not"):
        call_command("email", "send", *names, "--now")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--lead", "0"], "There is no lead '0': give the number"),
        (["--lead", "a@b.example"], "There is no lead 'a@b.example'"),
        (["--template", "x"], "There is no template 'x'; there are: "),
        (["--account", "x"], "There is no account 'x'; there are: "),
    ],
)
def test_what_is_not_there_is_named(
    arguments, sentence, make_lead, make_template, make_account
):
    names = ["--lead", str(make_lead().pk), "--template", make_template().name]

    with pytest.raises(CommandError, match=sentence):
        call_command(
            "email", "send", *names, "--account", make_account().name, *arguments
        )
    assert not Email.objects.exists()


def test_a_test_goes_to_an_address(make_campaign, capsys):
    campaign = make_campaign()

    said = run(
        capsys, "email", "test", "--campaign", campaign.name, "--to", "me@b.example"
    )

    assert said == "The test mail to me@b.example is enqueued.\n"
    assert Task.objects.get().kwargs["test_mode"] is True
    with pytest.raises(CommandError, match="is not an address"):
        call_command("email", "test", "--campaign", campaign.name, "--to", "me")
