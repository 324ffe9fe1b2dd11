"""Follow-ups come when they are due, to those whose condition holds, and stop at an answer."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from django.utils import timezone

from campaigns import launching, sequences
from campaigns.explaining import why
from campaigns.models import Campaign, Email, Recipient, Step, TrackingEvent
from campaigns.sending import send_email
from campaigns.states import StopReason
from campaigns.unsubscribing import unsubscribe
from demos.models import DemoView
from tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def add_step(make_template):
    def add(campaign, number=2, **values):
        template = make_template(
            subject=f"Step {number}", body_html=f"<p>This is step {number}.</p>"
        )
        return Step.objects.create(
            **{
                "campaign": campaign,
                "number": number,
                "template": template,
                "wait_days": 3,
                **values,
            }
        )

    return add


@pytest.fixture
def campaign(server, make_campaign, make_lead):
    """A draft with one lead and one mail; `add_step` gives it more."""
    make_lead(name="Acme")
    return make_campaign(port=server.port, state="draft")


def launch_and_send(campaign):
    launching.launch(campaign.pk)
    for email in Email.objects.filter(campaign=campaign, state="waiting"):
        send_email(email.pk)
    campaign.refresh_from_db()


def let_time_pass(**duration):
    """Move what was sent into the past."""
    for email in Email.objects.filter(state__in=["sent", "in_doubt", "skipped"]):
        for name in ("sent_at", "data_started_at", "claimed_at", "due_at"):
            if moment := getattr(email, name):
                setattr(email, name, moment - timedelta(**duration))
        email.save()


def follow_up():
    result = sequences.plan_follow_ups()
    for email in Email.objects.filter(step__gt=1, state="waiting"):
        send_email(email.pk)
    return result


def parsed(mail):
    return message_from_bytes(mail[1], policy=default)


def test_a_follow_up_is_written_when_its_wait_is_over_and_not_before(
    campaign, add_step, server
):
    add_step(campaign)
    launch_and_send(campaign)
    assert campaign.state == "running"

    let_time_pass(days=2, hours=23)
    assert sequences.plan_follow_ups() == {"planned": 0, "passed_over": 0}
    let_time_pass(hours=1)
    assert sequences.plan_follow_ups() == {"planned": 1, "passed_over": 0}
    assert sequences.plan_follow_ups() == {"planned": 0, "passed_over": 0}

    assert Task.objects.filter(actor="send_campaign_emails").count() == 2
    follow_up()
    campaign.refresh_from_db()
    assert len(server.mails) == 2
    assert campaign.state == "finished"


def test_a_follow_up_answers_the_mails_before_it(campaign, add_step, server):
    add_step(campaign, 2)
    add_step(campaign, 3)
    add_step(campaign, 4, in_thread=False)
    add_step(campaign, 5)
    launch_and_send(campaign)
    for _ in range(4):
        let_time_pass(days=3)
        follow_up()

    first, second, third, fourth, fifth = map(parsed, server.mails)
    assert second["Subject"] == third["Subject"] == f"Re: {first['Subject']}"
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert third["In-Reply-To"] == second["Message-ID"]
    assert third["References"] == f"{first['Message-ID']} {second['Message-ID']}"
    assert "step 3" in third.get_body(("plain",)).get_content()
    assert (fourth["Subject"], fourth["In-Reply-To"]) == ("Step 4", None)
    assert fifth["Subject"] == "Re: Step 4"
    assert fifth["References"] == fourth["Message-ID"]


def test_a_follow_up_comes_from_whoever_wrote_first(
    campaign, add_step, server, make_account
):
    add_step(campaign)
    launch_and_send(campaign)
    Campaign.objects.update(account=make_account(server.port, from_name="Another"))

    let_time_pass(days=3)
    follow_up()

    first, second = map(parsed, server.mails)
    assert first["From"] == second["From"]


def record(kind):
    TrackingEvent.objects.create(email=Email.objects.get(step=1), kind=kind)


def watch():
    DemoView.objects.create(
        site=Recipient.objects.get().lead.demo, day=timezone.now().date(),
        visitor="person", visitor_hash="a" * 32, views=1, last_at=timezone.now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "act"),
    [
        ("opened", lambda: record("open")),
        ("clicked", lambda: record("click")),
        ("demo_watched", watch),
    ],
)
def test_a_condition_is_asked_when_the_step_is_due(
    condition, act, campaign, add_step, server
):
    add_step(campaign, 2, condition=condition)
    add_step(campaign, 3, wait_days=0, condition=_opposite(condition))
    launch_and_send(campaign)
    act()
    let_time_pass(days=3)

    assert follow_up() == {"planned": 1, "passed_over": 0}
    assert follow_up() == {"planned": 0, "passed_over": 1}

    third = Email.objects.get(step=3)
    assert Email.objects.get(step=2).state == "sent"
    assert (third.state, third.reason) == ("skipped", "condition")
    assert third.detail.startswith("Only for those who")
    campaign.refresh_from_db()
    assert campaign.state == "finished"


@pytest.mark.parametrize("condition", ["opened", "clicked", "demo_watched"])
def test_a_step_that_is_passed_over_leads_on_to_the_next(
    condition, campaign, add_step, server
):
    add_step(campaign, 2, condition=condition)
    add_step(campaign, 3, wait_days=0, condition=_opposite(condition))
    launch_and_send(campaign)
    let_time_pass(days=3)

    assert follow_up() == {"planned": 1, "passed_over": 1}

    assert Email.objects.get(step=2).reason == "condition"
    assert "step 3" in str(parsed(server.mails[-1]).get_body(("plain",)))
    assert Recipient.objects.get().state == "included"


def _opposite(condition):
    return "demo_not_watched" if condition == "demo_watched" else f"not_{condition}"


def test_a_condition_is_asked_again_inside_the_claim(campaign, add_step, server):
    add_step(campaign, condition="not_clicked")
    launch_and_send(campaign)
    let_time_pass(days=3)
    sequences.plan_follow_ups()
    record("click")

    result = send_email(Email.objects.get(step=2).pk)

    assert (result["state"], result["reason"]) == ("skipped", "condition")
    assert len(server.mails) == 1


@pytest.mark.parametrize("reason", list(StopReason))
def test_whoever_answers_hears_nothing_more(reason, campaign, add_step, server):
    add_step(campaign, 2)
    add_step(campaign, 3)
    launch_and_send(campaign)
    let_time_pass(days=3)
    sequences.plan_follow_ups()
    recipient = Recipient.objects.get()

    assert sequences.stop(recipient.pk, reason) == 1
    assert sequences.stop(recipient.pk, StopReason.BY_HAND) == 0
    let_time_pass(days=30)
    follow_up()

    recipient.refresh_from_db()
    assert len(server.mails) == 1
    assert (recipient.state, recipient.stop_reason) == ("included", reason)
    skipped = Email.objects.get(step=2)
    assert skipped.reason == ("replied" if reason == "replied" else "stopped")
    campaign.refresh_from_db()
    assert campaign.state == "finished"


def test_an_answer_ends_the_sequences_of_other_campaigns_too(
    campaign, add_step, make_email, server
):
    add_step(campaign)
    launch_and_send(campaign)
    recipient = Recipient.objects.get()
    elsewhere = make_email(lead=recipient.lead)

    sequences.stop(recipient.pk, StopReason.BY_HAND)
    elsewhere.refresh_from_db()
    assert elsewhere.state == "waiting"
    sequences.stop(recipient.pk, StopReason.REPLIED)

    elsewhere.refresh_from_db()
    assert (elsewhere.state, elsewhere.reason) == ("skipped", "replied")


def test_an_answer_between_planning_and_sending_is_heard(campaign, add_step, server):
    add_step(campaign)
    launch_and_send(campaign)
    let_time_pass(days=3)
    sequences.plan_follow_ups()
    # As if the answer were committed while the planner wrote the row.
    Recipient.objects.update(stop_reason="replied", stopped_at=timezone.now())

    result = send_email(Email.objects.get(step=2).pk)

    assert (result["state"], result["reason"]) == ("skipped", "replied")
    assert len(server.mails) == 1


def test_unsubscribing_ends_the_sequence_and_keeps_the_first_mail_true(
    campaign, add_step, server
):
    add_step(campaign)
    launch_and_send(campaign)
    let_time_pass(days=3)
    sequences.plan_follow_ups()

    unsubscribe(Email.objects.get(step=1).pk)

    recipient = Recipient.objects.get()
    assert (recipient.state, recipient.stop_reason) == ("included", "unsubscribed")
    assert Email.objects.get(step=2).reason == "suppressed"
    assert "asked not to be written to" in why(recipient)


def test_a_mail_in_doubt_counts_as_sent(campaign, add_step, server):
    add_step(campaign)
    launch_and_send(campaign)
    Email.objects.all().delete()
    recipient = Recipient.objects.get()
    begun = timezone.now() - timedelta(days=3)
    Email.objects.create(
        campaign=campaign, recipient=recipient, lead=recipient.lead,
        account=campaign.account, template=campaign.template,
        address=recipient.address, state="in_doubt", message_id="<1@x.example>",
        claimed_at=begun, data_started_at=begun, subject="Hello",
    )  # fmt: skip
    Campaign.objects.update(state="running")

    follow_up()

    assert parsed(server.mails[-1])["References"] == "<1@x.example>"


@pytest.mark.parametrize("state", ["failed", "deferred", "sending", "waiting"])
def test_nothing_follows_a_mail_that_did_not_go(
    state, make_campaign, add_step, make_email
):
    campaign = make_campaign()
    add_step(campaign)
    past = timezone.now() - timedelta(days=9)
    make_email(campaign=campaign, state=state, message_id="<1@x>", claimed_at=past)

    assert sequences.plan_follow_ups() == {"planned": 0, "passed_over": 0}


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_a_campaign_that_does_not_run_plans_no_follow_ups(state, campaign, add_step):
    add_step(campaign)
    launch_and_send(campaign)
    let_time_pass(days=3)
    Campaign.objects.update(state=state)

    assert sequences.plan_follow_ups() == {"planned": 0, "passed_over": 0}


def test_a_step_that_is_added_later_reaches_those_who_had_the_others(
    campaign, add_step, server
):
    add_step(campaign)
    launch_and_send(campaign)
    add_step(campaign, 3, wait_days=1)
    let_time_pass(days=3)
    follow_up()
    let_time_pass(days=1)

    follow_up()

    assert len(server.mails) == 3


def test_planning_asks_as_often_for_many_as_for_few(
    campaign, add_step, make_lead, server, django_assert_max_num_queries
):
    add_step(campaign, condition="not_clicked")
    for _ in range(20):
        make_lead()
    launch_and_send(campaign)
    let_time_pass(days=3)

    with django_assert_max_num_queries(24):
        assert sequences.plan_follow_ups()["planned"] == 21
