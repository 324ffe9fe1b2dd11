"""What is planned for today, and how many days the rest takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.forecasting import HORIZON, Forecast, Sender, forecast, seconds_of_work
from campaigns.working_hours import Hours

ALL_DAY = Hours(ZoneInfo("UTC"), frozenset(range(1, 8)), time(0), time(0))
OFFICE = Hours(ZoneInfo("UTC"), frozenset({1, 2, 3, 4, 5}), time(9), time(17))
#: A Wednesday.
NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)


def sender(left, *, hours=ALL_DAY, per_minute=60, gap=0, sent=0, cap=None):
    return Sender(left, hours, per_minute, gap, sent, lambda day: cap)


def ask(*senders, per_day=None, sent_today=0, now=NOON):
    return forecast(senders, now, per_day=per_day, sent_today=sent_today)


@pytest.mark.parametrize(
    ("senders", "expected"),
    [
        ([sender(0)], Forecast(0, 0)),
        ([sender(100)], Forecast(100, 1)),
        ([sender(100, cap=50, sent=38)], Forecast(12, 3)),
        ([sender(100, cap=50, sent=60)], Forecast(0, 3)),
        # Twelve hours are left of today.
        ([sender(50_000, per_minute=60)], Forecast(43_201, 2)),
        ([sender(100, gap=3600)], Forecast(13, 5)),
        ([sender(10, cap=5), sender(100, cap=50)], Forecast(55, 2)),
        ([sender(10_000, cap=1)], Forecast(1, None)),
    ],
)
def test_the_smallest_limit_decides(senders, expected):
    assert ask(*senders) == expected


def test_the_campaigns_own_cap_is_shared_by_its_accounts():
    senders = [sender(30, cap=50), sender(30, cap=50)]

    assert ask(*senders, per_day=20, sent_today=15) == Forecast(5, 4)


def test_nothing_goes_on_a_weekend_or_after_work():
    evening = datetime(2026, 5, 8, 18, tzinfo=UTC)  # Friday

    assert ask(sender(10, hours=OFFICE), now=evening) == Forecast(0, 4)


def test_a_ramp_up_allows_more_each_day():
    def allowed_on(day):
        return 10 + 5 * (day - NOON.date()).days

    rising = Sender(45, ALL_DAY, 60, 0, 0, allowed_on)

    assert ask(rising) == Forecast(10, 3)


def test_the_day_on_which_the_clock_jumps_has_its_own_length():
    berlin = Hours(ZoneInfo("Europe/Berlin"), frozenset(range(1, 8)), time(0), time(0))

    assert seconds_of_work(berlin, date(2026, 3, 29)) == 23 * 3600
    assert seconds_of_work(berlin, date(2026, 10, 25)) == 25 * 3600


@given(
    left=st.lists(st.integers(0, 5_000), min_size=1, max_size=4),
    cap=st.integers(1, 500),
    per_day=st.none() | st.integers(1, 500),
)
def test_never_more_than_there_is_nor_than_a_day_allows(left, cap, per_day):
    found = ask(*(sender(each, cap=cap) for each in left), per_day=per_day)

    most = sum(min(each, cap) for each in left)
    assert found.today == (most if per_day is None else min(most, per_day))
    slowest = max(-(-each // cap) for each in left)
    if per_day is None:
        assert found.days == (slowest if slowest <= HORIZON else None)
    elif found.days is not None:
        assert found.days >= max(slowest, -(-sum(left) // per_day))
