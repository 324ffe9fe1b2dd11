"""How fast a host may be asked, by how it answers; and when to try again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: One request at a time: after an answer the host rests for as long as it took.
_SMOOTHING = 0.3
_LONGEST_LATENCY_DELAY = 10.0
_LONGEST_DELAY = 300.0
#: The first wait before another try, doubled each time, and the longest one, in seconds.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 20.0


@dataclass(frozen=True)
class Pace:
    """What is remembered of a host."""

    delay_seconds: float = 0.0
    latency_seconds: float = 0.0
    failures: int = 0


def after_answer(pace: Pace, latency: float) -> Pace:
    """Go towards the host's own latency; faster only by and by."""
    smoothed = (
        latency
        if not pace.latency_seconds
        else pace.latency_seconds + _SMOOTHING * (latency - pace.latency_seconds)
    )
    wanted = min(smoothed, _LONGEST_LATENCY_DELAY)
    # A delay that failures have made long shrinks by half with each good answer.
    delay = max(wanted, pace.delay_seconds / 2)
    return Pace(delay, smoothed, 0)


def after_failure(pace: Pace, *, usual_delay: float) -> Pace:
    """Double the delay: a failure that comes quickly must not make us faster.

    `usual_delay` is what is kept between two requests to a host that is well.
    """
    delay = 2 * max(pace.delay_seconds, usual_delay)
    return Pace(min(delay, _LONGEST_DELAY), pace.latency_seconds, pace.failures + 1)


def wait_before_try(number: int, chance: float, *, unit: float = _FIRST_WAIT) -> float:
    """Give the seconds before another try, by full jitter.

    `number` counts the tries that failed, `chance` is a random number from 0 to 1,
    `unit` the longest wait after the first one.
    """
    return min(unit * 2.0 ** min(number - 1, 20), _LONGEST_WAIT) * chance


class RetryBudget:
    """Tries that may be made again, as a share of all requests.

    When everything fails, retries would multiply the load just when it is too much;
    so only every tenth request earns one. Not locked: a lost count is worth nothing.
    """

    #: Retries that are there at the start, and the most that are saved up.
    MOST = 10.0
    #: What a request earns.
    SHARE = 0.1

    def __init__(self) -> None:
        self._left = self.MOST

    def earn(self) -> None:
        """Count a request."""
        self._left = min(self._left + self.SHARE, self.MOST)

    def spend(self) -> bool:
        """Take one retry; False when none is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
