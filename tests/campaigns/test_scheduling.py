"""Campaigns launch at their time, ask after a long downtime, and grow once a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns import launching, scheduling
from campaigns.models import Campaign, Email
from campaigns.sending import send_email
from fliptech_site.errors import InvalidInput, RateLimited
from tasks.models import Task

pytestmark = pytest.mark.django_db


def launches():
    return Task.objects.filter(actor="launch_campaign_async").count()


def test_a_scheduled_campaign_is_launched_once_when_its_time_has_come(make_campaign):
    campaign = make_campaign(state="draft")
    with pytest.raises(InvalidInput, match="lies in the past"):
        scheduling.schedule(campaign.pk, timezone.now())
    scheduling.schedule(campaign.pk, timezone.now() + timedelta(hours=1))
    assert scheduling.launch_due() == {"launched": 0, "growing": 0, "overdue": 0}

    Campaign.objects.update(scheduled_at=timezone.now())
    scheduling.launch_due()
    scheduling.launch_due()

    assert launches() == 1


@pytest.fixture
def overdue(make_campaign):
    """A campaign whose time passed a day and an hour ago."""
    campaign = make_campaign(
        state="scheduled", scheduled_at=timezone.now() - timedelta(hours=25)
    )
    assert scheduling.launch_due() == {"launched": 0, "growing": 0, "overdue": 1}
    campaign.refresh_from_db()
    return campaign


def test_a_campaign_long_overdue_asks_a_person(overdue):
    scheduling.launch_due()

    assert overdue.state == "overdue"
    assert "launch it now if it is still wanted, or drop it" in overdue.state_reason
    assert launches() == 0


def test_the_grace_is_a_setting(make_campaign, settings):
    settings.CAMPAIGN_GRACE_HOURS = 48
    make_campaign(state="scheduled", scheduled_at=timezone.now() - timedelta(hours=25))

    assert scheduling.launch_due()["launched"] == 1


def test_whoever_is_asked_may_launch_drop_or_choose_another_time(overdue, make_lead):
    make_lead()

    launching.request_launch(overdue.pk)
    assert launching.launch(overdue.pk)["new"] == 1


def test_an_overdue_launch_can_be_dropped(overdue):
    scheduling.drop_schedule(overdue.pk)

    overdue.refresh_from_db()
    assert (overdue.state, overdue.state_reason) == ("draft", "Its launch was dropped.")
    with pytest.raises(InvalidInput, match="is draft and can't become draft"):
        scheduling.drop_schedule(overdue.pk)


def test_an_overdue_launch_can_get_another_time(overdue):
    later = timezone.now() + timedelta(hours=1)

    scheduling.schedule(overdue.pk, later)

    overdue.refresh_from_db()
    assert (overdue.state, overdue.scheduled_at) == ("scheduled", later)


def test_a_growing_campaign_takes_in_new_leads_once_a_day(make_campaign, make_lead):
    make_lead()
    campaign = make_campaign(state="draft", is_growing=True)
    launching.launch(campaign.pk)
    assert scheduling.launch_due()["growing"] == 0

    make_lead()
    Campaign.objects.update(frozen_at=timezone.now() - timedelta(hours=24))
    assert scheduling.launch_due()["growing"] == 1
    launching.launch(campaign.pk)

    assert scheduling.launch_due()["growing"] == 0
    assert Email.objects.count() == 2


def test_a_launch_that_broke_off_is_asked_for_again(make_campaign):
    make_campaign(
        state="launching", freezing_since=timezone.now() - timedelta(minutes=6)
    )
    make_campaign(state="paused", freezing_since=timezone.now() - timedelta(minutes=6))

    scheduling.launch_due()

    assert launches() == 1


def test_a_cancelling_that_broke_off_is_finished(make_email):
    email = make_email()
    Campaign.objects.update(state="cancelled")

    scheduling.launch_due()

    email.refresh_from_db()
    assert (email.state, email.reason) == ("skipped", "campaign_cancelled")


def test_a_mail_is_not_sent_before_it_is_due(make_email, server):
    email = make_email(port=server.port, due_at=timezone.now() + timedelta(hours=1))

    with pytest.raises(RateLimited) as caught:
        send_email(email.pk)

    email.refresh_from_db()
    assert caught.value.retry_after == pytest.approx(3600, abs=5)
    assert (email.state, email.attempts) == ("waiting", 0)
