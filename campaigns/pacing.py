"""How fast an account may send. Pure: no clock, no database."""

from __future__ import annotations

from typing import NamedTuple


class Pace(NamedTuple):
    """A pace for `tasks.limits`: one slot per interval, `burst` at once after a rest."""

    interval_seconds: float
    burst: int


def pace_of(per_minute: int) -> Pace:
    """Give the pace that never lets more than `per_minute` slots into any 60 seconds.

    GCRA lets `burst` through at once and then one per interval: within less than 60
    seconds these are at most burst + 60 / interval - 1, which is `per_minute`.
    """
    if per_minute < 1:
        raise ValueError(f"per_minute is {per_minute}: an account sends at least 1.")
    burst = max(1, per_minute // 10)
    return Pace(60 / (per_minute - burst + 1), burst)


def batches_of(ids: list[int], size: int) -> list[list[int]]:
    """Cut a list into pieces of at most `size`, in order."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]
