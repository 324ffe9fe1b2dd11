"""What becomes of a failed run: pure decisions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from dramatiq import RateLimitExceeded
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import (
    Cancelled,
    InvalidInput,
    NotYetBuilt,
    PermanentError,
    RateLimited,
    TransientError,
)
from tasks.policies import Policy, Verdict, backoff_seconds, decide

POLICY = Policy(max_attempts=3, base_seconds=2, ceiling_seconds=60)


def decided(error, failures=0, age=timedelta(0), policy=POLICY, dice=0.5):
    return decide(
        error, policy=policy, failures=failures, max_attempts=3, age=age, dice=dice
    )


@pytest.mark.parametrize(
    "error", [PermanentError("x"), InvalidInput("x"), NotYetBuilt("x")]
)
def test_a_permanent_error_is_never_retried(error):
    assert decided(error).verdict is Verdict.FAIL


def test_a_transient_error_comes_back_when_it_says():
    decision = decided(TransientError("x", retry_after=42))
    assert (decision.verdict, decision.delay_seconds) == (Verdict.RETRY, 42)


def test_a_rate_limit_defers_even_when_all_attempts_are_used_up():
    decision = decided(RateLimited("x", retry_after=10), failures=99)
    assert decision.verdict is Verdict.DEFER
    assert 10 <= decision.delay_seconds <= 11


def test_the_last_attempt_fails_and_says_why():
    decision = decided(RuntimeError("x"), failures=2)
    assert decision.verdict is Verdict.FAIL
    assert decision.reason == "all 3 attempts are used up"


def test_a_declared_error_is_not_retried():
    policy = Policy(throws=(KeyError,))
    assert decided(KeyError("x"), policy=policy).verdict is Verdict.FAIL


def test_a_task_past_its_age_is_given_up():
    decision = decided(TransientError("x", retry_after=1), age=timedelta(days=3))
    assert decision.verdict is Verdict.FAIL


def test_a_cancelled_run_is_cancelled_whatever_its_age():
    assert decided(Cancelled(), age=timedelta(days=3)).verdict is Verdict.CANCEL


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_stays_between_a_floor_and_the_ceiling(failures, dice):
    delay = backoff_seconds(POLICY, failures, dice)
    assert 0.2 <= delay <= 60


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_backoff_never_shrinks_with_more_failures(failures, dice):
    assert backoff_seconds(POLICY, failures, dice) <= backoff_seconds(
        POLICY, failures + 1, dice
    )


@pytest.mark.parametrize(
    "wrong", [{"max_attempts": 0}, {"base_seconds": 0}, {"base_seconds": 1e6}]
)
def test_a_policy_that_can_not_be_followed_is_refused(wrong):
    with pytest.raises(ValueError, match="has to be|use 1 to 1000"):
        Policy(**wrong)


def test_a_limiter_of_dramatiqs_that_refuses_burns_no_attempt():
    """With Dramatiq's own retries it does, until the message is dead."""
    decision = decided(RateLimitExceeded("x"), failures=2)
    assert decision.verdict is Verdict.DEFER
    assert 0 < decision.delay_seconds <= POLICY.base_seconds
