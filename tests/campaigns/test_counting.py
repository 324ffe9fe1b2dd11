"""What is kept as counts is what the rows say, whatever happened and however often."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.db.models import Count
from django.utils import timezone

from campaigns import counting, measuring
from campaigns.models import (
    Change,
    DailyFigures,
    DomainCount,
    Email,
    HourlyCount,
    Recipient,
    TrackingEvent,
)
from campaigns.states import EMAIL_TRANSITIONS, EmailState
from campaigns.watching import note_watched_demos
from demos.models import DemoView

#: Each event is about another link.
targets = itertools.count()

pytestmark = pytest.mark.django_db

#: Noon of the day before yesterday: hours are kept by the database's clock.
NOON = datetime.combine(
    timezone.now().date() - timedelta(days=2), datetime.min.time(), UTC
) + timedelta(hours=12)


def move(email, state, at=NOON):
    email.refresh_from_db()
    if state in EMAIL_TRANSITIONS[EmailState(email.state)]:
        values = {"state": state, "reason": ""}
        if state == "sending":
            values |= {
                "message_id": f"<{email.pk}@x>", "claimed_at": at, "data_started_at": at,
            }  # fmt: skip
        if state == "sent":
            values["sent_at"] = at
        if state == "skipped":
            values["reason"] = "stopped"
        Email.objects.filter(pk=email.pk).update(**values)


def send(email, at=NOON):
    move(email, "sending", at)
    move(email, "sent", at)


def react(email, kind, at=NOON, *, is_human=True):
    event = TrackingEvent.objects.create(
        email=email, kind=kind, is_human=is_human, target=str(next(targets))
    )
    TrackingEvent.objects.filter(pk=event.pk).update(created_at=at)
    return event


def fold_elsewhere():
    try:
        return counting.fold()
    finally:
        connections.close_all()


def sums(campaign=None):
    found = Counter()
    for row in counting.counted([campaign.pk] if campaign else None):
        found[row.what] += row.n
    return {what: n for what, n in found.items() if n}


def rows_say():
    """The same from the rows themselves."""
    found = Counter()
    mails = Email.objects.exclude(kind="test")
    for state, n in mails.values_list("state").annotate(n=Count("*")).order_by():
        found[state] += n
    for name in ("replied", "bounced", "complained"):
        found[name] = mails.filter(**{f"{name}_at__isnull": False}).count()
    kinds = {"open": "opened", "click": "clicked", "unsubscribe": "unsubscribed"}
    for kind, what in kinds.items():
        events = TrackingEvent.objects.filter(kind=kind, is_human=True)
        found[what] = events.values("email").distinct().count()
        found[f"lead.{what}"] = (
            events.exclude(email__recipient=None)
            .values("email__recipient")
            .distinct()
            .count()
        )
    for kind in ("open", "click"):
        events = TrackingEvent.objects.filter(kind=kind, is_human=False)
        for key, column in (("", "email"), ("lead.", "email__recipient")):
            found[f"{key}{kinds[kind]}_by_machine"] = (
                events.values(column).distinct().count()
            )
    for name in ("replied", "bounced", "complained"):
        leads = mails.filter(**{f"{name}_at__isnull": False}).exclude(recipient=None)
        found[f"lead.{name}"] = leads.values("recipient").distinct().count()
    for state, reason in Recipient.objects.values_list("state", "reason"):
        found[f"lead.{reason or state}"] += 1
    return {what: n for what, n in found.items() if n}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_the_counts_are_what_the_rows_say(
    seed, make_campaign, make_email
):
    chance = random.Random(seed)
    campaign = make_campaign()
    emails = [make_email(campaign=campaign) for _ in range(3)]
    emails += [
        Email.objects.create(
            campaign=campaign,
            recipient=first.recipient,
            step=2,
            account=campaign.account,
            template=campaign.template,
            address=first.address,
        )
        for first in emails[:2]
    ]
    emails.append(make_email())
    Email.objects.create(
        kind="test",
        account=campaign.account,
        template=campaign.template,
        address="a@b.c",
    )
    for _ in range(120):
        email = chance.choice(emails)
        at = NOON + timedelta(hours=chance.randrange(-30, 30))
        deed = chance.randrange(8)
        if deed < 3:
            move(email, chance.choice(EmailState.values), at)
        elif deed == 3:
            kind = chance.choice(["open", "click", "unsubscribe"])
            human = kind == "unsubscribe" or chance.random() < 0.6
            react(email, kind, at, is_human=human)
        elif deed == 4:
            name = chance.choice(["replied_at", "bounced_at", "complained_at"])
            value = chance.choice([at, at, None])
            Email.objects.filter(pk=email.pk).update(**{name: value})
        elif deed == 5:
            TrackingEvent.objects.filter(email=email).delete()
        elif deed == 6:
            TrackingEvent.objects.filter(email=email).exclude(
                kind="unsubscribe"
            ).update(is_human=False)
        else:
            counting.fold()

    unfolded = sums()
    counting.fold()

    assert unfolded == sums() == rows_say()
    assert not Change.objects.exists()
    by_hour = Counter()
    for what, n in HourlyCount.objects.values_list("what", "n"):
        by_hour[what] += n
    for what in counting.HAPPENINGS:
        assert by_hour[what] == sums().get(what, 0), what


def days():
    rows = DailyFigures.objects.order_by("day", "step").values_list(
        "day", "step", "sent", "clicked", "opened"
    )
    return [((day - NOON.date()).days, *figures) for day, *figures in rows]


def test_days_are_written_once_and_again_gives_the_same(make_campaign, make_email):
    campaign = make_campaign()
    emails = [make_email(campaign=campaign) for _ in range(3)]
    send(emails[0], NOON)
    send(emails[1], NOON - timedelta(hours=13))
    send(emails[2], timezone.now())
    for hours in (1, 2):
        react(emails[0], "click", NOON + timedelta(hours=hours))

    measuring.write_daily_figures()
    first = list(DailyFigures.objects.values())
    written = measuring.write_daily_figures()

    assert days() == [(-1, 1, 1, 0, 0), (0, 1, 1, 1, 0)]
    assert written["rows"] == 0
    assert list(DailyFigures.objects.values()) == first


def test_a_late_event_corrects_its_day(make_email):
    email = make_email()
    send(email)
    react(email, "open", NOON + timedelta(hours=5))
    measuring.write_daily_figures()

    react(email, "open", NOON + timedelta(hours=1))
    react(email, "click", NOON - timedelta(days=20))
    measuring.write_daily_figures()

    assert days() == [(-20, 1, 0, 1, 0), (0, 1, 1, 0, 1)]
    hours = HourlyCount.objects.filter(what="opened").values_list("hour", "n")
    assert {hour: n for hour, n in hours if n} == {NOON + timedelta(hours=1): 1}


def test_what_was_taken_back_is_taken_out_of_its_hour_and_day(make_email):
    email = make_email()
    send(email)
    event = react(email, "open")
    measuring.write_daily_figures()

    event.delete()
    measuring.write_daily_figures()

    assert days() == [(0, 1, 1, 0, 0)]
    assert "opened" not in sums()
    assert "lead.opened" not in sums()


def test_a_doubt_that_is_settled_moves_within_its_hour(make_email):
    email = make_email()
    move(email, "sending", NOON)
    move(email, "in_doubt", NOON)
    counting.fold()

    move(email, "sent", NOON)
    counting.fold()

    hours = HourlyCount.objects.filter(hour=NOON).values_list("what", "n")
    assert dict(hours) == {"in_doubt": 0, "sent": 1}


def test_old_hours_go_and_their_days_stay(make_email):
    old = NOON - timedelta(days=counting.HOUR_DAYS - 5)
    send(make_email(), old)
    measuring.write_daily_figures()
    HourlyCount.objects.update(hour=old - timedelta(days=10))

    assert measuring.write_daily_figures()["hours_let_go"] == 1
    assert measuring.write_daily_figures() == {"rows": 0, "hours_let_go": 0}
    assert DailyFigures.objects.filter(day=old.date(), sent=1).exists()


def test_domains_count_what_went_there_and_not_what_waits(
    make_campaign, make_email, make_lead
):
    campaign = make_campaign()
    for number in range(3):
        email = make_email(
            campaign=campaign, lead=make_lead(email=f"{number}@big.example")
        )
        if number:
            send(email)
    other = make_email(campaign=campaign, lead=make_lead(email="a@small.example"))
    send(other)
    react(other, "open")

    counting.fold()

    assert counting.counted_by_domain(campaign.pk) == {
        "big.example": {"sent": 2},
        "small.example": {"sent": 1, "opened": 1},
    }
    assert list(counting.counted_by_domain(campaign.pk, limit=1)) == ["big.example"]
    assert not DomainCount.objects.filter(what="waiting").exists()


def test_a_view_of_the_demo_belongs_to_the_mail_before_it(make_email):
    email = make_email()
    later = Email.objects.create(
        campaign=email.campaign, recipient=email.recipient, step=2, lead=email.lead,
        account=email.account, template=email.template, address=email.address,
    )  # fmt: skip
    send(email, NOON - timedelta(hours=5))
    send(later, NOON)
    site = email.lead.demo
    for visitor, hour in (("person", -3), ("person", -2), ("bot", 3)):
        DemoView.objects.create(
            site=site, day=NOON.date(), visitor=visitor, visitor_hash=str(hour),
            views=1, hits=1, last_at=NOON + timedelta(hours=hour),
        )  # fmt: skip

    note_watched_demos(7)
    note_watched_demos(7)

    seen = email.reactions.values_list("what", "at")
    assert list(seen) == [("demo_viewed", NOON - timedelta(hours=3))]
    assert not later.reactions.exists()
    assert sums()["demo_viewed"] == sums()["lead.demo_viewed"] == 1


def test_many_mails_in_one_statement_are_few_changes(make_campaign, make_lead):
    campaign = make_campaign()
    Email.objects.bulk_create(
        Email(
            campaign=campaign, account=campaign.account, template=campaign.template,
            address=f"{number}@x{number}.example",
        )
        for number in range(500)
    )  # fmt: skip

    assert Change.objects.filter(became="waiting").count() == 1
    assert sums(campaign) == {"waiting": 500}


@pytest.mark.django_db(transaction=True)
def test_two_folds_at_once_count_everything_once(make_email):
    send(make_email())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('campaigns.fold', 0))")
    try:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(fold_elsewhere).result() == 0
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_unlock(hashtextextended('campaigns.fold', 0))"
            )
    assert sums()["sent"] == 1
    assert counting.fold() > 0
    assert sums()["sent"] == 1
