"""What the rates of a split test say. Pure: counts in, intervals and probabilities out.

Each variant's rate is a Beta distribution: Beta(1 + successes, 1 + failures), which is
what is known of it when nothing was known before. Everything is computed on one grid that
is fine where any of the rates may be; no random numbers, so the same counts always give
the same answer.

"Probability to be best" means: given these counts, how probable it is that this variant's
true rate is the highest. It is no error rate of a procedure. Whoever looks again and again
and stops at the first 95 % is wrong more often than in one of twenty (for rates that are
alike); `sample_needed` is what keeps early luck from deciding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

#: Points of the grid per variant, over `_SPREAD` standard deviations on either side.
_POINTS = 800
_SPREAD = 9


class Rate(NamedTuple):
    """How many of the mails of one variant did what was wanted."""

    successes: int
    trials: int

    @property
    def share(self) -> float:
        """The observed rate; 0 without trials."""
        return self.successes / self.trials if self.trials else 0.0


class Interval(NamedTuple):
    """Between which rates the true one lies with the asked probability."""

    low: float
    high: float


def interval_of(rate: Rate, probability: float = 0.95) -> Interval:
    """Give the interval that leaves as much probability below it as above it."""
    grid = _grid([rate])
    below = _cumulative(grid, _density(rate, grid))
    tail = (1 - probability) / 2
    return Interval(_quantile(grid, below, tail), _quantile(grid, below, 1 - tail))


def probabilities_best(rates: Sequence[Rate]) -> list[float]:
    """Give for each rate how probable it is that it is the highest; they add up to 1.

    For the rate x of one variant that is the probability of x times the probability that
    all others are below x, summed over x.
    """
    if len(rates) < 2:
        return [1.0] * len(rates)
    grid = _grid(rates)
    densities = [_density(rate, grid) for rate in rates]
    below = [_cumulative(grid, density) for density in densities]
    best = []
    for number, density in enumerate(densities):
        others = [each for other, each in enumerate(below) if other != number]
        heights = [
            height * math.prod(column)
            for height, *column in zip(density, *others, strict=True)
        ]
        best.append(_area(grid, heights))
    whole = sum(best)
    return [each / whole for each in best]


def sample_needed(base: float = 0.03, lift: float = 2.0) -> int:
    """Give how many mails each variant needs before a winner may be called.

    Lehr's rule (Statistics in Medicine 11, 1992): n = 16 p (1 - p) / d² for 80 % power at
    the 5 % level, p the mean of both rates, d their difference. As it stands it tells a
    rate of `base` from one `lift` times as high: 764 mails for 3 % and 6 %. The usual "30
    per variant" has one expected answer and proves nothing.
    """
    other = base * lift
    mean = (base + other) / 2
    return math.ceil(16 * mean * (1 - mean) / (other - base) ** 2)


def _grid(rates: Sequence[Rate]) -> list[float]:
    # Evenly everywhere, since tails are long, and finely where the rates are.
    points = {step / _POINTS for step in range(_POINTS + 1)}
    for rate in rates:
        alpha, beta = _parameters(rate)
        mean = alpha / (alpha + beta)
        deviation = math.sqrt(mean * (1 - mean) / (alpha + beta + 1))
        low = max(0.0, mean - _SPREAD * deviation)
        high = min(1.0, mean + _SPREAD * deviation)
        points |= {low + (high - low) * step / _POINTS for step in range(_POINTS + 1)}
    return sorted(points)


def _parameters(rate: Rate) -> tuple[int, int]:
    return rate.successes + 1, rate.trials - rate.successes + 1


def _density(rate: Rate, grid: Sequence[float]) -> list[float]:
    """Give the density at each point, scaled so that its area on the grid is 1."""
    alpha, beta = _parameters(rate)
    scale = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
    heights = [_height(x, alpha, beta, scale) for x in grid]
    area = _area(grid, heights)
    return [height / area for height in heights]


def _height(x: float, alpha: int, beta: int, scale: float) -> float:
    if x <= 0:
        return math.exp(scale) if alpha == 1 else 0.0
    if x >= 1:
        return math.exp(scale) if beta == 1 else 0.0
    return math.exp(scale + (alpha - 1) * math.log(x) + (beta - 1) * math.log1p(-x))


def _steps(grid: Sequence[float], heights: Sequence[float]) -> list[float]:
    return [
        (right - left) * (high + low) / 2
        for (left, right), (low, high) in zip(
            pairwise(grid), pairwise(heights), strict=True
        )
    ]


def _area(grid: Sequence[float], heights: Sequence[float]) -> float:
    return math.fsum(_steps(grid, heights))


def _cumulative(grid: Sequence[float], density: Sequence[float]) -> list[float]:
    return list(accumulate(_steps(grid, density), initial=0.0))


def _quantile(grid: Sequence[float], below: Sequence[float], share: float) -> float:
    for (left, right), (low, high) in zip(pairwise(grid), pairwise(below), strict=True):
        if high >= share:
            return left + (right - left) * ((share - low) / (high - low))
    return grid[-1]
