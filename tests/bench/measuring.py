"""What is made of the measured figures: medians, spreads, ratios. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Series:
    """One peer's figures for one benchmark, one per round, in the rounds' order."""

    peer: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle figure, which one disturbed round can't move far."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest figure."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest figure."""
        return max(self.values)


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised: ours divided by the peer, or, without a peer, ours itself."""

    limit: float
    kind: Literal["at least", "under"]
    peer: str | None = None

    def is_met(self, value: float) -> bool:
        """Tell whether the figure keeps the promise."""
        return value >= self.limit if self.kind == "at least" else value < self.limit


@dataclass(frozen=True, slots=True)
class Comparison:
    """One benchmark: ours, the peers, and what is promised of ours."""

    name: str
    unit: str
    ours: Series
    peers: tuple[Series, ...]
    targets: tuple[Target, ...] = ()
    note: str = ""

    def judged(self, target: Target) -> float:
        """Return the figure that a target speaks of."""
        if target.peer is None:
            return self.ours.median
        peer = next(one for one in self.peers if one.peer == target.peer)
        return paired_ratio(self.ours, peer)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which `percent` of the values lie (nearest rank).

    Nearest rank gives a value that was really measured. Raises ValueError without
    values or for a percentage outside of 0 to 100.
    """
    if not values or not 0 <= percent <= 100:
        raise ValueError("A percentile needs values and a percentage from 0 to 100.")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]


def paired_ratio(ours: Series, peer: Series) -> float:
    """Return the median of the ratios of each round.

    Two figures of one round share whatever else the machine was doing, so their ratio
    is steadier than the ratio of the medians.
    """
    return statistics.median(
        one / other for one, other in zip(ours.values, peer.values, strict=True)
    )
