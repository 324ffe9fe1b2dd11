"""Guards: a campaign that comes back or annoys is paused, and says why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns import launching
from campaigns.guarding import reason_to_pause, review
from campaigns.models import Campaign, DeliveryEvent, Email
from campaigns.receiving.verdicts import Told, take
from leads.models import Lead


@pytest.mark.parametrize(
    ("sent", "bounced", "complained", "says"),
    [
        (49, 49, 49, ""),
        (50, 2, 0, ""),
        (50, 3, 0, "3 of 50 mails came back (6.0%; from 5.0%"),
        (60, 3, 0, "3 of 60 mails came back"),
        (61, 3, 0, ""),
        (1000, 0, 1, "1 of 1,000 mails were called spam (0.1%"),
        (1001, 0, 1, ""),
        (100_000, 4999, 99, ""),
    ],
)
def test_the_shares_at_which_a_campaign_pauses(sent, bounced, complained, says):
    reason = reason_to_pause(sent=sent, bounced=bounced, complained=complained)

    assert says in reason
    assert bool(reason) == bool(says)


@given(st.integers(50, 10**6))
def test_a_campaign_of_which_nothing_came_back_goes_on(sent):
    assert reason_to_pause(sent=sent, bounced=0, complained=0) == ""


@pytest.fixture
def sent_campaign(make_campaign, make_lead):
    """A running campaign with so many mails sent, and one that waits."""
    campaign = make_campaign()
    now = timezone.now()
    leads = Lead.objects.bulk_create(
        [Lead(name=f"Shop {n}", email=f"shop{n}@shop.example") for n in range(61)]
    )
    emails = [
        Email(
            campaign=campaign,
            lead=lead,
            account=campaign.account,
            template=campaign.template,
            address=lead.email,
            state="sent",
            message_id=f"<{number}@x>",
            claimed_at=now,
            sent_at=now,
        )
        for number, lead in enumerate(leads)
    ]
    emails[-1].state = "waiting"
    Email.objects.bulk_create(emails)
    return campaign


def bounce(email, kind="soft"):
    take(
        Told(
            account_id=email.account_id,
            source="mailbox",
            event_id=f"{kind} {email.pk}",
            kind=DeliveryEvent.Kind(kind),
            email=email,
            address=email.address,
            at=timezone.now(),
        )
    )


def sent_mails(campaign):
    return list(Email.objects.filter(campaign=campaign, state="sent").order_by("pk"))


@pytest.mark.django_db
def test_the_third_bounce_of_sixty_pauses(sent_campaign):
    for email in sent_mails(sent_campaign)[:3]:
        sent_campaign.refresh_from_db()
        assert sent_campaign.state == "running"
        bounce(email)

    sent_campaign.refresh_from_db()
    assert sent_campaign.state == "paused"
    assert "3 of 60 mails came back" in sent_campaign.state_reason


@pytest.mark.django_db
def test_one_complaint_in_sixty_pauses(sent_campaign):
    bounce(sent_mails(sent_campaign)[0], "complaint")

    sent_campaign.refresh_from_db()
    assert sent_campaign.state == "paused"
    assert "called spam" in sent_campaign.state_reason


@pytest.mark.django_db
def test_after_a_person_resumed_what_was_sent_before_counts_no_more(sent_campaign):
    for email in sent_mails(sent_campaign)[:3]:
        bounce(email)
    launching.resume(sent_campaign.pk)

    bounce(sent_mails(sent_campaign)[3])

    sent_campaign.refresh_from_db()
    assert sent_campaign.state == "running"
    Email.objects.filter(campaign=sent_campaign, state="sent").update(
        claimed_at=timezone.now() + timedelta(seconds=1)
    )
    assert review(sent_campaign.pk)


@pytest.mark.django_db
def test_a_campaign_that_does_not_run_is_left_alone(sent_campaign):
    Email.objects.filter(campaign=sent_campaign).update(bounced_at=timezone.now())
    Campaign.objects.update(state="paused", state_reason="By hand.")

    assert not review(sent_campaign.pk)
    assert Campaign.objects.get().state_reason == "By hand."


@pytest.mark.django_db
def test_a_review_looks_at_no_more_mails_than_it_must(
    sent_campaign, django_assert_num_queries
):
    Email.objects.filter(pk=sent_mails(sent_campaign)[0].pk).update(
        bounced_at=timezone.now()
    )
    with django_assert_num_queries(4):
        assert not review(sent_campaign.pk)
