"""The pace follows the host: slower at once, faster by and by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pacing_rules import (
    Pace,
    RetryBudget,
    after_answer,
    after_failure,
    wait_before_try,
)


def test_a_host_rests_for_as_long_as_it_took_to_answer():
    assert after_answer(Pace(), 2.0).delay_seconds == 2.0
    assert after_answer(Pace(), 60.0).delay_seconds == 10.0


def test_failures_double_the_delay_and_answers_halve_it():
    pace = Pace()
    delays = []
    for _ in range(4):
        pace = after_failure(pace, usual_delay=1.0)
        delays.append(pace.delay_seconds)
    assert (delays, pace.failures) == ([2, 4, 8, 16], 4)
    pace = after_answer(pace, 0.1)
    assert (pace.delay_seconds, pace.failures) == (8, 0)


def test_a_quick_refusal_never_makes_anybody_faster():
    pace = after_answer(Pace(), 3.0)
    assert after_failure(pace, usual_delay=1.0).delay_seconds > pace.delay_seconds


@given(st.lists(st.none() | st.floats(0, 1e6)))
def test_whatever_happens_the_delay_stays_in_bounds(events):
    pace = Pace()
    for latency in events:
        if latency is None:
            pace = after_failure(pace, usual_delay=1.0)
        else:
            pace = after_answer(pace, latency)
        assert 0 <= pace.delay_seconds <= 300


@pytest.mark.parametrize(
    ("number", "most"), [(1, 1), (2, 2), (3, 4), (9, 20), (99, 20)]
)
def test_the_wait_before_another_try_is_anything_up_to_its_double(number, most):
    assert wait_before_try(number, 0.0) == 0
    assert wait_before_try(number, 1.0) == most
    assert wait_before_try(number, 0.5) == most / 2


def test_retries_are_a_tenth_of_the_requests_in_the_long_run():
    budget = RetryBudget()
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()
    assert 100 <= spent <= 110
