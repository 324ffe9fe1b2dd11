"""Which variant of a step an address gets. Pure.

A hash of campaign, step and address gives each address its point between 0 and 1, and the
variants divide that line by their weights. So the same question always has the same
answer, steps are independent of each other, and nobody can tell in advance who gets what.
Whoever has a mail keeps its variant: weights count for mails that are not written yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from campaigns.split_rates import Rate, probabilities_best


class Share(NamedTuple):
    """A variant and its part of the line; 0 gets nobody."""

    variant_id: int
    weight: float


def point_of(campaign_id: int, step: int, address: str) -> float:
    """Give the point of an address, from 0 up to but without 1."""
    text = f"fliptech split 1:{campaign_id}:{step}:{address}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return (number >> 11) / 2**53


def pick(shares: Sequence[Share], point: float) -> int | None:
    """Give the variant whose part of the line holds the point; None without any."""
    total = sum(share.weight for share in shares)
    if total <= 0:
        return None
    rest = point * total
    for share in shares:
        rest -= share.weight
        if rest < 0:
            return share.variant_id
    return next(share.variant_id for share in reversed(shares) if share.weight)


def thompson_shares(shares: Sequence[Share], rates: Sequence[Rate]) -> list[Share]:
    """Give each variant as much of the line as it is probable to be the best.

    That is Thompson sampling: to draw a rate from each variant's distribution and take
    the highest is to take each with its probability to be the best. A variant of weight
    0 stays out.
    """
    taking_part = [
        (share, rate) for share, rate in zip(shares, rates, strict=True) if share.weight
    ]
    chances = probabilities_best([rate for _, rate in taking_part])
    return [
        Share(share.variant_id, chance)
        for (share, _), chance in zip(taking_part, chances, strict=True)
    ]


class Verdict(NamedTuple):
    """Whether a split test is decided, and why in one sentence."""

    #: The number of the winner among the rates; None while there is none.
    winner: int | None
    sentence: str


def judge(
    labels: Sequence[str], rates: Sequence[Rate], *, threshold: float, sample: int
) -> Verdict:
    """Say which variant has won: enough mails of each, and one that is probably best."""
    if len(rates) < 2:
        return Verdict(None, "There are no two variants to compare.")
    fewest = min(rates, key=lambda rate: rate.trials)
    if fewest.trials < sample:
        label = labels[rates.index(fewest)]
        return Verdict(
            None,
            f"Too early: {label} has {fewest.trials} of the {sample} mails that each"
            " variant needs.",
        )
    chances = probabilities_best(rates)
    best = max(range(len(rates)), key=lambda number: chances[number])
    said = f"{labels[best]} is the best with a probability of {chances[best]:.1%}"
    if chances[best] < threshold:
        return Verdict(None, f"Open: {said}; {threshold:.1%} is asked for.")
    return Verdict(best, f"{said}, after at least {fewest.trials} mails of each.")
