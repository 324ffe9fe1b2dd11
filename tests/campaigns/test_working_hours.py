"""Working hours by the wall clock of a place, on days when it jumps, too."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import assume, given
from hypothesis import strategies as st

from campaigns.working_hours import Hours, check_time_zone, day_bounds, may_send_at

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = frozenset({1, 2, 3, 4, 5})
OFFICE = Hours(BERLIN, WEEK, time(9), time(17))

ZONES = st.sampled_from(
    [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
        "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "UTC",
    ]
)  # fmt: skip


@st.composite
def hours(draw):
    start, end = draw(
        st.tuples(st.times(), st.just(time(0)) | st.times()).filter(
            lambda pair: pair[1] == time(0) or pair[0] < pair[1]
        )
    )
    days = draw(st.frozensets(st.integers(1, 7), min_size=1))
    return Hours(ZoneInfo(draw(ZONES)), days, start, end)


MOMENTS = st.datetimes(
    datetime(1999, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)
)


@given(hours(), MOMENTS, st.floats(0, 1))
def test_it_is_the_first_moment_at_which_the_clock_says_so(hours, moment, between):
    # An hour that spring leaves out may be all there is of a day's work.
    assume(hours.end == time(0) or _minutes(hours.end) - _minutes(hours.start) > 61)
    found = may_send_at(hours, moment)

    assert found >= moment
    assert _open(hours, found)
    earlier = moment + between * (found - moment)
    assert earlier == found or not _open(hours, earlier)
    assert may_send_at(hours, found) == found


def _open(hours, moment):
    """What the clock on the wall says, told apart from how the product finds it."""
    shown = moment.astimezone(hours.zone)
    seconds = shown.hour * 3600 + shown.minute * 60 + shown.second
    now = seconds * 10**6 + shown.microsecond
    until = _micros(hours.end) or 86_400 * 10**6
    return shown.isoweekday() in hours.days and _micros(hours.start) <= now < until


def _micros(wall):
    return _minutes(wall) * 60 * 10**6 + wall.second * 10**6 + wall.microsecond


def _minutes(wall):
    return wall.hour * 60 + wall.minute


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("2026-11-25T12:00+01:00", "2026-11-25T12:00+01:00"),
        ("2026-11-25T03:00+01:00", "2026-11-25T09:00+01:00"),
        ("2026-11-25T17:00+01:00", "2026-11-26T09:00+01:00"),
        ("2026-11-27T17:00+01:00", "2026-11-30T09:00+01:00"),
        # Over the night in which the clock goes forward: nine o'clock, not ten.
        ("2026-03-27T18:00+01:00", "2026-03-30T09:00+02:00"),
        ("2026-10-23T18:00+02:00", "2026-10-26T09:00+01:00"),
    ],
)
def test_an_office_in_berlin(asked, told):
    found = may_send_at(OFFICE, datetime.fromisoformat(asked))
    assert found == datetime.fromisoformat(told)


def test_hours_that_spring_leaves_out_begin_when_the_clock_has_jumped():
    night = Hours(BERLIN, frozenset({7}), time(2, 30), time(5))
    found = may_send_at(night, datetime(2026, 3, 29, 0, 0, tzinfo=UTC))
    assert found.astimezone(BERLIN) == datetime(2026, 3, 29, 3, 0, tzinfo=BERLIN)


def test_hours_that_autumn_repeats_count_both_times():
    night = Hours(BERLIN, frozenset({7}), time(1), time(2, 30))
    between = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # 2:45, the first time.
    assert may_send_at(night, between) == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


def test_a_day_has_23_hours_in_spring():
    start, end = day_bounds(BERLIN, datetime(2026, 3, 29).date())
    assert end - start == timedelta(hours=23)


def test_a_wrong_time_zone_is_refused_in_one_sentence():
    check_time_zone("Europe/Berlin")
    with pytest.raises(ValidationError, match=r"'Mars/Base' is no time zone: write"):
        check_time_zone("Mars/Base")
