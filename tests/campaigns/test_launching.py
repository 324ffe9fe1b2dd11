"""Launching freezes an audience in which every lead has a reason."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from campaigns import batches, launching, retrying
from campaigns.explaining import why
from campaigns.models import Email, Recipient
from campaigns.sending import send_email
from campaigns.states import SkipReason
from fliptech_site.errors import InvalidInput
from leads.suppression import suppress
from tasks.models import Task
from tests.campaigns.conftest import make_demo

pytestmark = pytest.mark.django_db


def reasons(campaign):
    rows = Recipient.objects.filter(campaign=campaign).select_related("lead")
    return {row.lead.name: row.reason or "included" for row in rows}


def send_everything():
    for email in Email.objects.order_by("id"):
        send_email(email.pk)


@pytest.fixture
def draft(server, make_campaign):
    return make_campaign(port=server.port, state="draft")


def test_every_lead_is_included_or_says_why_not(draft, make_lead):
    make_lead(name="good")
    make_lead(name="poor score", score=49)
    make_lead(name="no score", score=None)
    make_lead(name="no address", email="")
    make_lead(name="invalid", email="not an address")
    make_lead(name="not mailable", email="x@printer.local")
    suppress(make_lead(name="suppressed").email.upper(), reason="asked")
    make_lead(name="no demo", demo=False)
    expired = make_lead(name="expired demo", demo=False)
    make_demo(expired, expires_at=timezone.now() - timedelta(minutes=1))
    make_lead(name="twin", email="Shared@Twins.example", score=70)
    make_lead(name="better twin", email="shared@twins.example", score=90)
    kept = make_lead(name="kept")
    make_lead(name="merged away", merged_into=kept)

    result = launching.launch(draft.pk)

    assert reasons(draft) == {
        "good": "included",
        "poor score": "below_threshold",
        "no score": "below_threshold",
        "no address": "no_address",
        "invalid": "invalid_address",
        "not mailable": "invalid_address",
        "suppressed": "suppressed",
        "no demo": "no_demo",
        "expired demo": "no_demo",
        "twin": "already_mailed",
        "better twin": "included",
        "kept": "included",
    }
    assert result == {
        "campaign_id": draft.pk, "state": "running", "new": 3, "skipped": 9,
    }  # fmt: skip
    assert set(Email.objects.values_list("state", flat=True)) == {"waiting"}
    for recipient in Recipient.objects.all():
        assert why(recipient).startswith("Not sent")


def test_the_score_of_the_campaign_goes_before_the_setting(make_campaign, make_lead):
    make_lead(name="poor", score=10)
    campaign = make_campaign(state="draft", min_score=5)

    launching.launch(campaign.pk)

    assert reasons(campaign) == {"poor": "included"}


def test_a_second_launch_mails_nobody_twice_and_takes_in_new_leads(
    draft, server, make_lead
):
    first = make_lead(name="first")
    late = make_lead(name="late", demo=False)
    launching.launch(draft.pk)
    send_everything()
    draft.refresh_from_db()
    assert draft.state == "finished"

    make_demo(late)
    make_lead(name="new")
    assert launching.launch(draft.pk)["new"] == 2
    send_everything()

    assert reasons(draft) == dict.fromkeys(["first", "late", "new"], "included")
    assert len(server.mails) == 3
    assert len(server.mails_to(first.email)) == 1


def test_a_launch_that_finds_nobody_new_finishes_at_once(draft, make_lead):
    make_lead()
    launching.launch(draft.pk)
    send_everything()

    assert launching.launch(draft.pk)["state"] == "finished"


def test_launching_twice_at_once_is_launching_once(draft, make_lead):
    make_lead()
    launching.launch(draft.pk)

    assert launching.launch(draft.pk)["new"] == 0
    assert Email.objects.count() == 1


def test_an_address_that_another_campaign_wrote_to_is_skipped(
    draft, make_campaign, make_lead, server
):
    lead = make_lead(name="busy")
    launching.launch(draft.pk)
    send_everything()
    second = make_campaign(port=server.port, state="draft")

    launching.launch(second.pk)

    assert reasons(second) == {"busy": "already_mailed"}
    recipient = Recipient.objects.get(campaign=second)
    assert draft.name in why(recipient)
    assert len(server.mails_to(lead.email)) == 1


def test_a_paused_campaign_goes_on_where_it_was(draft, make_lead, server):
    for _ in range(3):
        make_lead()
    launching.launch(draft.pk)
    first = Email.objects.first()
    assert first
    send_email(first.pk)
    launching.pause(draft.pk)
    send_everything()
    assert len(server.mails) == 1

    launching.resume(draft.pk)
    send_everything()

    draft.refresh_from_db()
    assert len(server.mails) == 3
    assert draft.state == "finished"


def test_a_cancelled_campaign_says_so_at_each_mail(draft, make_lead, server):
    make_lead()
    launching.launch(draft.pk)

    assert launching.cancel(draft.pk) == 1

    send_everything()
    recipient = Recipient.objects.get()
    assert recipient.reason == SkipReason.CAMPAIGN_CANCELLED
    assert server.mails == []
    with pytest.raises(InvalidInput, match="cancelled and can't become launching"):
        launching.launch(draft.pk)


@pytest.mark.parametrize(
    ("state", "move", "sentence"),
    [
        ("draft", launching.pause, "is draft and can't become paused"),
        ("finished", launching.cancel, "is finished and can't become cancelled"),
        ("draft", launching.resume, "only a paused campaign can be resumed"),
        ("paused", launching.launch, "is paused: resume it instead"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(state, move, sentence, make_campaign):
    campaign = make_campaign(state=state)

    with pytest.raises(InvalidInput, match=sentence):
        move(campaign.pk)


def test_a_launch_that_could_only_fail_is_refused_and_says_why(
    make_campaign, make_account, make_template
):
    outside = make_campaign(state="draft", account=make_account(smtp_host="192.0.2.1"))
    wrong = make_campaign(
        state="draft", template=make_template(subject="{{ lead.nme }}")
    )
    off = make_campaign(state="draft", account=make_account(is_enabled=False))

    for campaign, sentence in [
        (outside, "TEST_MODE is on and 192.0.2.1:25 is not on this machine"),
        (wrong, "did you mean 'lead.name'"),
        (off, "is switched off"),
    ]:
        with pytest.raises(InvalidInput, match=sentence):
            launching.request_launch(campaign.pk)
        with pytest.raises(InvalidInput, match=sentence):
            launching.launch(campaign.pk)
        campaign.refresh_from_db()
        assert campaign.state == "draft"
        assert sentence in campaign.state_reason


def test_mails_are_planned_in_batches_at_the_accounts_pace(make_campaign, make_email):
    campaign = make_campaign()
    type(campaign.account).objects.update(per_minute=50)
    emails = [make_email(campaign=campaign) for _ in range(52)]

    assert batches.send_all(campaign.pk)["batches"] == 2
    todo = Task.objects.filter(actor="process_campaign_batch").order_by("pk")
    for task in todo:
        batches.plan(task.kwargs["email_ids"])

    times = sorted(
        Task.objects.filter(actor="send_campaign_email").values_list(
            "run_at", flat=True
        )
    )
    assert len(times) == len(emails)
    assert all(later > earlier for earlier, later in pairwise(times))
    assert all(later - earlier >= timedelta(seconds=60) for earlier, later in zip(times, times[50:], strict=False))  # fmt: skip
    assert times[-1] - times[0] < timedelta(seconds=63)


def test_planning_again_adds_only_what_is_missing(make_campaign, make_email):
    campaign = make_campaign()
    emails = [make_email(campaign=campaign) for _ in range(3)]
    ids = [email.pk for email in emails]
    batches.plan(ids[:2])

    assert batches.plan(ids) == {"planned": 1}
    assert batches.plan(ids) == {"planned": 0}
    assert batches.send_all(campaign.pk)["emails"] == 0
    assert Task.objects.filter(actor="send_campaign_email").count() == 3


def test_a_batch_of_more_than_five_hundred_is_refused():
    with pytest.raises(InvalidInput, match="at most 500"):
        batches.plan(list(range(501)))


def test_the_sweep_plans_only_what_may_be_tried(make_campaign, make_email):
    running = make_campaign()
    deferred = make_email(campaign=running, state="deferred")
    now = timezone.now()
    done = {"message_id": "<1@x>", "claimed_at": now, "data_started_at": now}
    make_email(campaign=running, state="in_doubt", **done)
    make_email(campaign=running, state="failed")
    make_email(campaign=make_campaign(state="paused"), state="deferred")

    assert retrying.retry_failed()["retried"] == 1
    assert Task.objects.get().kwargs == {"email_id": deferred.pk}
    assert retrying.retry_failed()["retried"] == 0


def test_the_sweep_settles_attempts_whose_worker_died(make_email):
    old = timezone.now() - timedelta(minutes=6)
    claimed = {"state": "sending", "claimed_at": old}
    begun = make_email(message_id="<1@x>", data_started_at=old, **claimed)
    not_begun = make_email(message_id="<2@x>", **claimed)
    fresh = make_email(message_id="<3@x>", **{**claimed, "claimed_at": timezone.now()})

    result = retrying.retry_failed()

    states = dict(Email.objects.values_list("pk", "state"))
    assert states == {
        begun.pk: "in_doubt", not_begun.pk: "deferred", fresh.pk: "sending",
    }  # fmt: skip
    assert result == {"retried": 1, "given_up": 0, "in_doubt": 1, "deferred": 1}


def test_a_mail_is_given_up_after_three_days(make_email):
    email = make_email(state="deferred", attempts=12, detail="Nothing listens.")
    Email.objects.update(created_at=timezone.now() - timedelta(days=4))

    assert retrying.retry_failed()["given_up"] == 1
    email.refresh_from_db()
    email.campaign.refresh_from_db()
    assert email.detail == "Given up after 12 attempts. Nothing listens."
    assert email.campaign.state == "finished"


def test_only_a_mail_that_failed_for_certain_is_tried_again_by_a_person(make_email):
    failed = make_email(state="failed")
    now = timezone.now()
    doubtful = make_email(
        state="in_doubt", message_id="<1@x>", claimed_at=now, data_started_at=now
    )

    retrying.try_again(failed.pk)
    with pytest.raises(InvalidInput, match="did not fail for certain"):
        retrying.try_again(doubtful.pk)

    failed.refresh_from_db()
    assert failed.state == "waiting"
    assert Task.objects.get().kwargs == {"email_id": failed.pk}


def test_the_commands_move_a_campaign_and_say_why(make_campaign, make_email, capsys):
    email = make_email()
    name = email.campaign.name

    call_command("campaign", "pause", name)
    call_command("campaign", "status", str(email.campaign_id))
    call_command("campaign", "why", name, email.address)
    said = capsys.readouterr().out
    assert f"{name}: paused" in said
    assert "waiting" in said
    assert "Not sent yet: the campaign is paused" in said
    with pytest.raises(CommandError, match="There is no campaign 'nonsense'"):
        call_command("campaign", "launch", "nonsense")
    call_command("campaign", "resume", name)
    call_command("campaign", "cancel", name)
    with pytest.raises(CommandError, match="can't become launching"):
        call_command("campaign", "launch", name)
