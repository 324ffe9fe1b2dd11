"""Places in an account's line: given by due time, and given back by who leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns import outlook
from campaigns.batches import plan
from campaigns.lanes import line_of, line_of_follow_ups
from campaigns.launching import cancel, pause
from campaigns.models import Email
from tasks.limits import hold_until, next_free
from tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(make_account):
    """A mailbox: a mail in ten minutes."""
    return make_account(min_gap_seconds=600)


def minutes_until(moment):
    return round((moment - timezone.now()).total_seconds() / 60)


def planned_for(email):
    email.refresh_from_db()
    return minutes_until(Task.objects.get(pk=email.task_id).run_at)


def line_ends(account):
    return minutes_until(next_free(line_of(account.pk), interval_seconds=0.0))


@pytest.mark.parametrize("leave", [pause, cancel])
def test_who_leaves_gives_its_places_back(
    leave, account, make_campaign, make_email, django_capture_on_commit_callbacks
):
    campaign = make_campaign(account=account)
    plan([make_email(campaign=campaign).pk for _ in range(6)])
    assert line_ends(account) == 60

    with django_capture_on_commit_callbacks(execute=True):
        leave(campaign.pk)

    assert line_ends(account) == 0
    other = make_email(campaign=make_campaign(account=account))
    plan([other.pk])
    assert planned_for(other) == 0


def test_the_places_of_others_stay_theirs(
    account, make_campaign, make_email, django_capture_on_commit_callbacks
):
    first, second, third = (make_campaign(account=account) for _ in range(3))
    for campaign in (first, second, third):
        plan([make_email(campaign=campaign).pk for _ in range(2)])

    with django_capture_on_commit_callbacks(execute=True):
        cancel(third.pk)
    # The last of the second is planned after 30 minutes.
    assert line_ends(account) == 30
    with django_capture_on_commit_callbacks(execute=True):
        cancel(first.pk)
    assert line_ends(account) == 30


def test_places_given_to_the_refused_are_given_back_too(
    account, make_campaign, django_capture_on_commit_callbacks
):
    campaign = make_campaign(account=account)
    far = timezone.now() + timedelta(days=70)
    mine = [
        f"again:email:gap:{account.pk}",
        f"again:email:day:account:{account.pk}:2026-11-30",
        f"again:email:day:new:{campaign.pk}:2026-11-30",
    ]
    foreign = [f"again:email:gap:{account.pk}1", "again:email:day:domain:x.example:1"]
    for key in (*mine, *foreign):
        hold_until(key, far)

    with django_capture_on_commit_callbacks(execute=True):
        cancel(campaign.pk)

    free = {key: next_free(key, interval_seconds=0.0) for key in (*mine, *foreign)}
    assert [key for key, moment in free.items() if moment == far] == foreign


def test_mails_that_are_due_later_are_planned_from_then_on(
    account, make_campaign, make_email
):
    campaign = make_campaign(account=account)
    due_at = timezone.now() + timedelta(hours=5)
    later = [make_email(campaign=campaign, due_at=due_at) for _ in range(2)]
    now = [make_email(campaign=campaign) for _ in range(2)]

    plan([email.pk for email in (*later, *now)])

    assert [planned_for(email) for email in later] == [300, 310]
    assert [planned_for(email) for email in now] == [0, 10]


def test_follow_ups_overtake_a_long_line_of_first_mails(
    account, make_campaign, make_email
):
    campaign = make_campaign(account=account)
    plan([make_email(campaign=campaign).pk for _ in range(3)])
    early = make_email(campaign=campaign, step=2)
    plan([early.pk])
    assert planned_for(early) == 30, "The line is short: everybody stands in it."

    plan([make_email(campaign=campaign).pk for _ in range(20)])
    follow_ups = [make_email(campaign=campaign, step=2) for _ in range(2)]
    plan([email.pk for email in follow_ups])
    assert [planned_for(email) for email in follow_ups] == [0, 10]
    assert line_of_follow_ups(account.pk) != line_of(account.pk)


def test_the_next_mail_is_told_though_it_overtook(
    account, make_campaign, make_email, monkeypatch
):
    monkeypatch.setattr(outlook, "_NEXT", 2)
    campaign = make_campaign(account=account)
    hold_until(line_of(account.pk), timezone.now() + timedelta(hours=4))
    plan([make_email(campaign=campaign).pk for _ in range(5)])
    plan([make_email(campaign=campaign, step=2).pk])
    next_at = outlook.outlook(campaign, {account.pk: 6}).next_at
    assert next_at is not None
    assert minutes_until(next_at) == 0


def test_a_campaign_that_does_not_run_takes_no_places(
    account, make_campaign, make_email
):
    emails = [make_email(campaign=make_campaign(account=account)) for _ in range(2)]
    pause(emails[0].campaign_id)
    assert plan([emails[0].pk]) == {"planned": 0}
    assert plan([emails[1].pk]) == {"planned": 1}
    assert Email.objects.get(pk=emails[0].pk).task_id is None
