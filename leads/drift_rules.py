"""Notice that a source's pages state a field far more rarely than they used to. Pure.

Mark-up changes overnight, and a reader that finds nothing in one place raises no error:
only the share of listings that have the field tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

#: Listings that a job has to have read, and jobs that made up a rate, to be judged.
LEAST_READ, LEAST_JOBS = 10, 3
#: A fall counts from here, and from so many standard deviations.
_LEAST_FALL, _DEVIATIONS = 0.25, 4.0
#: What a new job changes in the rate at least.
_LEAST_WEIGHT = 0.1


class Baseline(NamedTuple):
    """How often a field was stated, 0 to 1, over so many jobs."""

    rate: float
    jobs: int


def is_drifting(baseline: Baseline, *, filled: int, read: int) -> bool:
    """Say whether a job stated a field too rarely for chance."""
    if read < LEAST_READ or baseline.jobs < LEAST_JOBS:
        return False
    # A rate of 1 has no deviation of its own; the smallest sample gives it one.
    rate = min(max(baseline.rate, 0.02), 0.98)
    deviation = math.sqrt(rate * (1 - rate) / read)
    fall = baseline.rate - filled / read
    return fall > max(_LEAST_FALL, _DEVIATIONS * deviation)


def learned(baseline: Baseline | None, *, filled: int, read: int) -> Baseline:
    """Give the baseline with one more job in it."""
    rate = filled / read
    if baseline is None:
        return Baseline(rate, 1)
    weight = max(1 / (baseline.jobs + 1), _LEAST_WEIGHT)
    return Baseline(baseline.rate + weight * (rate - baseline.rate), baseline.jobs + 1)


def counted(filled: Mapping[str, int], fields: Mapping[str, object]) -> dict[str, int]:
    """Count which fields one more listing states, and the listing itself as `read`."""
    more = {name for name, value in fields.items() if value not in ("", None)}
    names = {"read", *filled, *fields}
    return {
        name: filled.get(name, 0) + (name in more or name == "read") for name in names
    }
