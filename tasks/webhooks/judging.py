"""What a receiver's answer means: delivered, tried again, or given up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from http import HTTPStatus

from tasks.policies import Policy, backoff_seconds

#: How long a delivery is tried.
PATIENCE = timedelta(days=1)
#: From ten seconds to three hours: about 17 tries in the first day.
POLICY = Policy(base_seconds=10.0, ceiling_seconds=3 * 3600.0, max_attempts=1000)
#: Refusals that are about the moment and not about the request.
_NOT_NOW = {408, 425, 429}


class Verdict(Enum):
    """What becomes of the delivery."""

    DELIVERED = "delivered"
    AGAIN = "again"
    FAILED = "failed"
    #: The receiver wants nothing any more: its webhook is switched off.
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, and for AGAIN the seconds to wait."""

    verdict: Verdict
    reason: str = ""
    delay_seconds: float = 0.0


def judge(
    status: int | None,
    *,
    reason: str,
    retry_after: float | None,
    failures: int,
    seconds_left: float,
    dice: float,
) -> Judgement:
    """Judge an answer; `status` is None when there was none, for `reason`.

    `retry_after` is what the receiver asks for, in seconds: it can only lengthen the
    wait, or a receiver that always says 0 would use up a day's tries in a minute.
    `failures` are the tries before this one, `dice` lies in [0, 1).
    """
    if status is not None:
        if 200 <= status < 300:
            return Judgement(Verdict.DELIVERED)
        reason = f"The receiver answered {_named(status)}"
        if status == HTTPStatus.GONE:
            return Judgement(Verdict.GONE, f"{reason}: it wants no more.")
        if 300 <= status < 400:
            return Judgement(
                Verdict.FAILED,
                f"{reason}; redirects are not followed: enter the address that it leads to.",
            )
        if 400 <= status < 500 and status not in _NOT_NOW:
            return Judgement(Verdict.FAILED, f"{reason}; that is not tried again.")
        reason += "."
    delay = max(backoff_seconds(POLICY, failures + 1, dice), retry_after or 0.0)
    if delay > seconds_left:
        return Judgement(Verdict.FAILED, f"{reason} The time for another try is over.")
    return Judgement(Verdict.AGAIN, reason, delay)


def crowd_seconds(waits: int, dice: float) -> float:
    """Return how long to wait for a free slot of a receiver after `waits` waits.

    Growing, so that a thousand deliveries to one slow receiver don't ask all the time.
    """
    return min(2.0 ** min(waits, 10), 120.0) * (0.5 + 0.5 * dice)


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
