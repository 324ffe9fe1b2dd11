"""Many limits, asked together: the smallest wins, and who is refused took nothing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from tasks.allotting import Pace, Quota, Standing, allot, give_back

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=12)


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def test_the_smallest_limit_wins_and_is_named():
    account, campaign = Quota("account", 5, LATER), Quota("campaign", 2, LATER)
    standing = Standing(NOW)

    answers = [standing.take([account, campaign]) for _ in range(3)]

    assert answers[:2] == [None, None]
    assert answers[2].limit == campaign
    assert answers[2].until == LATER
    assert standing.used == {"account": 2, "campaign": 2}


def test_who_is_refused_by_one_limit_has_taken_nothing_of_the_others():
    pace, full = Pace("pace", 10), Quota("full", 0, LATER)
    standing = Standing(NOW)

    assert standing.take([pace, full]).limit == full
    assert standing.take([pace]) is None


def test_the_limit_that_lasts_longest_is_named():
    short, long = Pace("short", 1), Pace("long", 60)
    standing = Standing(NOW)
    standing.take([short, long])

    refused = standing.take([short, long])

    assert refused.limit == long
    assert refused.until == after(60)


def test_slack_lets_a_late_taker_catch_up_and_no_more():
    pace = Pace("p", 10, slack_seconds=15)
    standing = Standing(NOW)

    answers = [standing.take([pace]) for _ in range(3)]

    assert answers[:2] == [None, None]
    assert answers[2].until == after(5)


def test_a_limit_that_does_not_hold_refuses_nobody_and_counts_all_the_same():
    full, counted = Quota("day", 1, LATER), Quota("day", 1, LATER, holds=False)
    standing = Standing(NOW)

    assert [standing.take([counted]) for _ in range(3)] == [None] * 3
    assert standing.used == {"day": 3}
    assert standing.take([full]).limit == full


def test_after_a_pace_that_does_not_hold_the_next_slot_is_an_interval_away():
    pace, counted = Pace("p", 10), Pace("p", 10, holds=False)
    standing = Standing(NOW)
    standing.take([pace])
    standing.now = after(4)

    # However many there were: they move what comes next, and line up behind nobody.
    assert [standing.take([counted]) for _ in range(3)] == [None] * 3
    assert standing.take([pace]).until == after(14)


@given(
    per_minute=st.integers(1, 200),
    waits=st.lists(st.floats(0, 5), min_size=1, max_size=400),
)
def test_no_minute_holds_more_than_the_pace_allows(per_minute, waits):
    slack = 0.6
    pace = Pace("p", (60 + slack) / per_minute, slack)
    standing = Standing(NOW)
    taken = []
    for wait in waits:
        standing.now += timedelta(seconds=wait)
        if standing.take([pace]) is None:
            taken.append(standing.now)

    for first, last in zip(taken, taken[per_minute:], strict=False):
        # One microsecond is what a timestamp of the database rounds.
        assert last - first >= timedelta(seconds=60) - timedelta(milliseconds=1)


@pytest.mark.django_db
def test_takers_are_served_in_turn_and_the_rows_remember():
    one, two = Pace("one", 3600), Quota("two", 2, datetime.now(UTC) + timedelta(days=1))

    answers = allot([[one], [one, two], [two], [two], [two]])

    assert [answer and answer.limit.key for answer in answers] == [
        None, "one", None, None, "two",
    ]  # fmt: skip
    assert allot([[one]])[0].limit == one
    assert allot([[two]])[0].limit == two


@pytest.mark.django_db
def test_a_slot_of_a_quota_can_be_given_back():
    quota = Quota("q", 1, datetime.now(UTC) + timedelta(days=1))
    allot([[quota]])

    give_back(["q"])

    assert allot([[quota], [quota]])[0] is None
    give_back(["q", "q", "unknown"])
    assert [answer is None for answer in allot([[quota], [quota]])] == [True, False]


@pytest.mark.django_db
def test_a_quota_whose_time_is_over_is_empty_again():
    allot([[Quota("q", 1, datetime.now(UTC) - timedelta(seconds=1))]])

    assert allot([[Quota("q", 1, datetime.now(UTC) + timedelta(days=1))]]) == [None]


@pytest.mark.django_db
def test_no_limits_need_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert allot([[], []]) == [None, None]


@pytest.mark.django_db(transaction=True)
def test_processes_at_once_take_no_more_than_there_is():
    ends_at = datetime.now(UTC) + timedelta(days=1)
    granted = []

    def work(number):
        try:
            for _ in range(5):
                with transaction.atomic():
                    limits = [Quota("q", 20, ends_at), Pace(f"own {number}", 0.0)]
                    answers = allot([limits, limits])
                granted.extend(answer is None for answer in answers)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(granted) == 40
    assert sum(granted) == 20
