"""What becomes of a run that failed: the error decides, then the policy.

Pure: values in, a decision out; the clock and the dice are given by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from dramatiq import RateLimitExceeded

from fliptech_site.errors import Cancelled, PermanentError, RateLimited, TransientError


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and how fast an actor's failures are tried again."""

    max_attempts: int = 5
    #: Ceiling of the first delay, in seconds; it doubles with every failure.
    base_seconds: float = 5.0
    #: No delay is longer than this.
    ceiling_seconds: float = 900.0
    #: A task first run longer ago than this is not retried any more.
    max_age: timedelta = timedelta(days=2)
    #: Errors that are never retried, beside PermanentError.
    throws: tuple[type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        """Refuse policies that can't be followed."""
        if not 1 <= self.max_attempts <= 1000:
            raise ValueError(f"max_attempts is {self.max_attempts}: use 1 to 1000.")
        if not 0 < self.base_seconds <= self.ceiling_seconds:
            raise ValueError(
                "base_seconds has to be above 0 and below ceiling_seconds."
            )


class Verdict(Enum):
    """What to do with the task."""

    RETRY = "retry"
    #: Try again without burning an attempt.
    DEFER = "defer"
    FAIL = "fail"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, the delay in seconds (for RETRY and DEFER), and why."""

    verdict: Verdict
    delay_seconds: float = 0.0
    reason: str = ""


def backoff_seconds(policy: Policy, failures: int, dice: float) -> float:
    """Return the full-jitter delay after the `failures`-th failure (1 = the first).

    `dice` lies in [0, 1). Full jitter (AWS Architecture Blog, "Exponential Backoff
    And Jitter") spreads a crowd of failures best; a floor of a tenth of the ceiling
    keeps a lucky throw from hammering.
    """
    # 2.0**1000 would overflow; far below that the ceiling has long been reached.
    exponent = min(max(failures - 1, 0), 60)
    ceiling = min(policy.ceiling_seconds, policy.base_seconds * 2.0**exponent)
    return ceiling * (0.1 + 0.9 * dice)


def decide(
    error: BaseException,
    *,
    policy: Policy,
    failures: int,
    max_attempts: int,
    age: timedelta,
    dice: float,
) -> Decision:
    """Decide about a run that raised `error`.

    `failures` counts the earlier failures, without this one; `max_attempts` is the
    task's own, which may differ from the policy's.
    """
    if isinstance(error, Cancelled):
        return Decision(Verdict.CANCEL)
    if age > policy.max_age:
        return Decision(
            Verdict.FAIL,
            reason=f"first tried more than {policy.max_age} ago, not tried again",
        )
    if isinstance(error, RateLimitExceeded):
        # Dramatiq's limiters know no time; with Dramatiq this would burn an attempt.
        return Decision(Verdict.DEFER, backoff_seconds(policy, 1, dice))
    if isinstance(error, RateLimited):
        # A little jitter, so that those who wait for one slot don't come together.
        assert error.retry_after is not None
        return Decision(Verdict.DEFER, max(error.retry_after, 0.0) * (1 + dice / 10))
    if isinstance(error, (PermanentError, *policy.throws)):
        return Decision(Verdict.FAIL)
    if failures + 1 >= max_attempts:
        return Decision(Verdict.FAIL, reason=f"all {max_attempts} attempts are used up")
    if isinstance(error, TransientError) and error.retry_after is not None:
        return Decision(Verdict.RETRY, max(error.retry_after, 0.0))
    return Decision(Verdict.RETRY, backoff_seconds(policy, failures + 1, dice))
