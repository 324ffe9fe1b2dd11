"""Say how right clusters are, by the pairs of rows that they join. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Score(NamedTuple):
    """How right clusters are, by pairs of rows."""

    precision: float
    recall: float
    f1: float


def pairwise_f1(truth: Sequence[object], clusters: Sequence[Sequence[int]]) -> Score:
    """Compare clusters with the truth by the pairs of rows that they join."""
    wanted = sum(_pairs(count) for count in Counter(truth).values())
    found = sum(_pairs(len(members)) for members in clusters)
    right = sum(
        _pairs(count)
        for members in clusters
        for count in Counter(truth[index] for index in members).values()
    )
    precision = right / found if found else 1.0
    recall = right / wanted if wanted else 1.0
    both = precision + recall
    return Score(precision, recall, 2 * precision * recall / both if both else 0.0)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
