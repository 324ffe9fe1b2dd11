"""A slow start, from the day that it began."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.ramp_up import RampUp, smallest

DAY = date(2026, 11, 2)
COUNTS = st.integers(1, 500)


@pytest.mark.parametrize(
    ("days", "allowed"), [(-3, 10), (0, 10), (1, 15), (7, 45), (8, 50), (400, 50)]
)
def test_each_day_allows_a_step_more_until_the_ceiling(days, allowed):
    slow = RampUp(DAY, start=10, step=5, ceiling=50)
    assert slow.allowed_on(DAY + timedelta(days=days)) == allowed


@given(COUNTS, st.integers(0, 100), COUNTS)
def test_it_ends_on_the_first_day_at_the_ceiling(start, step, ceiling):
    slow = RampUp(DAY, start, step, ceiling)
    if slow.ends is None:
        assert slow.allowed_on(DAY + timedelta(days=10_000)) < ceiling
        return
    assert slow.allowed_on(slow.ends) == ceiling
    if slow.ends > DAY:
        assert slow.allowed_on(slow.ends - timedelta(days=1)) < ceiling


def test_the_smallest_limit_wins_and_none_is_no_limit():
    assert smallest(50, None, 20) == 20
    assert smallest(None, None) is None
