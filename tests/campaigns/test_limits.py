"""Limits stack, the smallest wins, and a mail that waits can say for which one."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from campaigns import retrying, withholding
from campaigns.claiming import claim
from campaigns.explaining import explain
from campaigns.models import Account, Campaign, Email, SendingLimit
from campaigns.sending import send_email
from fliptech_site.errors import RateLimited, TransientError
from tests.campaigns.mail_server import MailServer
from tests.campaigns.test_admin import press

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(make_account, server):
    return make_account(server.port)


@pytest.fixture
def campaign(make_campaign, account):
    return make_campaign(account=account)


def refused(email):
    """Try to send, be told to wait, and give for how many seconds."""
    with pytest.raises(RateLimited) as refusal:
        send_email(email.pk)
    email.refresh_from_db()
    assert (email.state, email.attempts) == ("waiting", 0)
    return refusal.value.retry_after


def of_account(**values):
    return lambda: Account.objects.update(**values)


def of_campaign(**values):
    return lambda: Campaign.objects.update(**values)


def shared(scope, name, **values):
    return lambda: SendingLimit.objects.create(scope=scope, name=name, **values)


def of_user():
    user = get_user_model().objects.create_user("ada")
    Campaign.objects.update(launched_by=user)
    SendingLimit.objects.create(scope="user", name="ada", per_day=1)


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        (of_account(per_minute=1), "has used up its 1 mails a minute"),
        (of_account(min_gap_seconds=600), "waits 600 s between mails"),
        (of_account(daily_cap=1), "has used up its 1 mails of"),
        (of_campaign(per_day=1), "the campaign has used up its 1 mails a day"),
        (of_campaign(new_leads_per_day=1), "written to its 1 new leads a day"),
        (shared("provider", "127.0.0.1", per_minute=1), "mail server 127.0.0.1"),
        (shared("provider", "*", per_day=1), "1 mails a day is used up"),
        (shared("domain", "*", per_minute=1), "domain of the recipient b.example"),
        (of_user, "user who launched the campaign ada"),
    ],
)
def test_each_limit_holds_the_second_mail_and_is_named(
    limit, says, server, campaign, make_email, make_lead
):
    limit()
    first, second = (
        make_email(campaign=campaign, lead=make_lead(email=f"{name}@b.example"))
        for name in ("one", "two")
    )

    assert send_email(first.pk)["state"] == "sent"
    seconds = refused(second)

    assert seconds > 1
    assert says in second.detail
    assert says in explain(second, campaign)
    assert len(server.mails) == 1


def test_the_smallest_limit_wins(campaign, make_email):
    Account.objects.update(daily_cap=3)
    Campaign.objects.update(per_day=2)
    emails = [make_email(campaign=campaign) for _ in range(3)]

    for email in emails[:2]:
        send_email(email.pk)
    refused(emails[2])

    assert "the campaign has used up its 2 mails" in emails[2].detail


def test_a_limit_of_ones_own_is_asked_instead_of_that_for_all(
    campaign, make_email, make_lead
):
    SendingLimit.objects.create(scope="domain", name="*", per_minute=1)
    SendingLimit.objects.create(scope="domain", name="big.example", per_minute=6000)
    leads = [make_lead(email=f"{name}@big.example") for name in ("a", "b", "c")]
    emails = [make_email(campaign=campaign, lead=lead) for lead in leads]

    assert {send_email(email.pk)["state"] for email in emails} == {"sent"}


def test_a_follow_up_is_no_new_lead(campaign, make_email, make_lead):
    Campaign.objects.update(new_leads_per_day=1)
    lead = make_lead()
    first = make_email(campaign=campaign, lead=lead)
    make_email(campaign=campaign)  # Keeps the campaign running.
    campaign.steps.create(number=2, template=first.template)
    second = type(first).objects.create(
        campaign=campaign,
        recipient=first.recipient,
        step=2,
        lead=lead,
        account=first.account,
        template=first.template,
        address=lead.email,
    )

    assert send_email(first.pk)["state"] == "sent"
    assert send_email(second.pk)["state"] == "sent"


def test_a_mail_that_did_not_go_is_not_counted(make_account, make_campaign, make_email):
    with MailServer({"RCPT": "451 4.7.1 greylisted"}) as server:
        campaign = make_campaign(account=make_account(server.port, daily_cap=1))
        email, other = (make_email(campaign=campaign) for _ in range(2))
        with pytest.raises(TransientError):
            send_email(email.pk)
        server.script.clear()

        assert send_email(email.pk)["state"] == "sent"
        refused(other)


@pytest.mark.parametrize(
    "script", [{"RCPT": "550 5.1.1 nobody"}, {"dot": "554 no"}, {}]
)
def test_a_mail_that_failed_for_certain_is_not_counted(
    script, make_account, make_campaign, make_email, make_template
):
    with MailServer(dict(script)) as server:
        campaign = make_campaign(account=make_account(server.port, daily_cap=1))
        broken = (
            {} if script else {"template": make_template(body_html="{{ no.field }}")}
        )
        email = make_email(campaign=campaign, **broken)
        other = make_email(campaign=campaign)
        assert send_email(email.pk)["state"] == "failed"
        server.script.clear()
        assert send_email(other.pk)["state"] == "sent"


def test_the_sweep_gives_back_the_slot_of_an_attempt_whose_worker_died(
    make_account, make_campaign, make_email, server, monkeypatch
):
    campaign = make_campaign(account=make_account(server.port, daily_cap=1))
    email, other = (make_email(campaign=campaign) for _ in range(2))
    claim(email.pk, task_id=None)
    refused(other)
    monkeypatch.setattr(retrying, "ORPHANED_AFTER", timedelta(0))

    assert retrying.settle_orphans() == (0, 1)
    assert send_email(other.pk)["state"] == "sent"


def test_mails_beyond_the_cap_get_a_day_of_their_own(campaign, make_email):
    """Each asks again once, on the day on which there is room for it."""
    Account.objects.update(daily_cap=2, time_zone="Asia/Tokyo")
    emails = [make_email(campaign=campaign) for _ in range(7)]
    for email in emails[:2]:
        send_email(email.pk)

    now = timezone.now()
    account = Account.objects.get()
    days = [
        (account.day_of(now + timedelta(seconds=refused(email))) - account.day_of(now))
        for email in emails[2:]
    ]

    assert [day.days for day in days] == [1, 1, 2, 2, 3]


def test_mails_that_are_too_early_get_moments_one_behind_the_other(
    campaign, make_email
):
    Account.objects.update(per_minute=6)
    emails = [make_email(campaign=campaign) for _ in range(4)]
    send_email(emails[0].pk)

    waits = [refused(email) for email in emails[1:]]

    assert [round(later - waits[0]) for later in waits] == [0, 10, 20]


def test_outside_its_hours_an_account_waits_and_does_not_open_with_a_crowd(
    campaign, make_email, monkeypatch
):
    night = datetime(2026, 3, 3, 22, 30, tzinfo=UTC)
    Account.objects.update(
        per_minute=60, time_zone="UTC", work_from=time(9), work_until=time(17)
    )
    account = Account.objects.get()
    emails = [make_email(campaign=campaign, account=account) for _ in range(3)]

    waits = [withholding.wait_for_its_time(email, night) for email in emails]

    opens_at = datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert "works again from 04 March at 09:00 UTC" in waits[0].says
    after = [(wait.until - opens_at).total_seconds() for wait in waits]
    # The lanes run on the database's clock, for which 2026-03-04 may be long past.
    assert after[1] - after[0] == pytest.approx(1.01, abs=0.2)


def test_a_mail_written_by_hand_goes_at_any_hour(campaign, make_email):
    Account.objects.update(work_days="1", work_from=time(0), work_until=time(0, 1))
    email = make_email(campaign=campaign, account=Account.objects.get(), due_at=None)
    email.kind = "single"

    assert (
        withholding.wait_for_its_time(email, datetime(2026, 3, 3, tzinfo=UTC)) is None
    )


def test_a_claim_asks_all_limits_in_few_queries(
    campaign, make_email, django_assert_max_num_queries
):
    Account.objects.update(daily_cap=100, min_gap_seconds=1)
    Campaign.objects.update(per_day=100, new_leads_per_day=100)
    SendingLimit.objects.create(scope="domain", name="*", per_minute=100, per_day=100)
    pk = make_email(campaign=campaign).pk
    email = Email.objects.select_related("account", "campaign__launched_by").get(pk=pk)

    # One for the rows, two locks with the rows that are new, two updates.
    with django_assert_max_num_queries(9):
        answer = withholding.ask_limits([email], timezone.now())

    assert answer.going == [email]
    assert len(answer.counted[email.pk]) == 4


@pytest.mark.parametrize("button", ["launch", "plan"])
def test_a_campaign_counts_on_the_limits_of_who_launches_it(
    button, make_campaign, admin_client, admin_user
):
    campaign = make_campaign(
        state="draft", scheduled_at=timezone.now() + timedelta(hours=1)
    )

    press(admin_client, campaign, button)

    campaign.refresh_from_db()
    assert campaign.launched_by == admin_user
