"""A field that is suddenly missing raises an alarm; chance does not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.drift_rules import Baseline, counted, is_drifting, learned


@pytest.mark.parametrize(
    ("rate", "jobs", "filled", "read", "drifts"),
    [
        (0.9, 5, 0, 50, True),
        (1.0, 5, 30, 50, True),
        (0.6, 5, 20, 100, True),
        (0.6, 5, 50, 100, False),
        # Too few jobs or listings to judge.
        (0.9, 2, 0, 50, False),
        (0.9, 5, 0, 9, False),
        # Rare fields fall to nothing by chance.
        (0.2, 9, 0, 100, False),
        # More than usual is no drift.
        (0.5, 9, 100, 100, False),
    ],
)
def test_only_a_fall_beyond_chance_is_drift(rate, jobs, filled, read, drifts):
    assert is_drifting(Baseline(rate, jobs), filled=filled, read=read) is drifts


def test_a_thousand_honest_jobs_raise_no_alarm():
    dice = random.Random(7)
    for rate in (0.3, 0.5, 0.7, 0.95):
        baseline = Baseline(rate, 10)
        alarms = sum(
            is_drifting(baseline, filled=sum(dice.random() < rate for _ in range(40)), read=40)
            for _ in range(1000)
        )  # fmt: skip
        assert alarms <= 1


def test_a_rate_is_the_mean_at_first_and_follows_later():
    baseline = None
    for filled in (10, 0, 10, 0):
        baseline = learned(baseline, filled=filled, read=10)
    assert baseline == Baseline(0.5, 4)
    for _ in range(60):
        baseline = learned(baseline, filled=10, read=10)
    assert baseline.rate > 0.98


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(20, 20)), min_size=1))
def test_a_rate_is_always_a_share(jobs):
    baseline = None
    for filled, read in jobs:
        baseline = learned(baseline, filled=filled, read=read)
    assert 0 <= baseline.rate <= 1


def test_listings_and_their_fields_are_counted():
    filled = counted({}, {"name": "x", "city": ""})
    filled = counted(filled, {"name": "", "latitude": 0.0})
    assert filled == {"read": 2, "name": 1, "city": 0, "latitude": 1}
