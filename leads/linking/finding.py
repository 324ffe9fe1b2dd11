"""Find in a list of records which are the same business. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from leads.linking.blocking import Blocks
from leads.linking.clustering import cluster
from leads.linking.comparing import (
    MATCH_BITS,
    REVIEW_BITS,
    Comparison,
    compare,
    compare_likely,
)
from leads.linking.names import are_contrary
from leads.linking.profiles import Profile
from leads.linking.weighing import count_frequencies


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two records, by their places in the list, that may be one business."""

    one: int
    other: int
    comparison: Comparison


@dataclass
class Matches:
    """What was found in a list of records."""

    #: Places of records that are one business; records that stand alone are left out.
    clusters: list[list[int]] = field(default_factory=list)
    #: The pairs on which the clusters stand.
    pairs: list[Likeness] = field(default_factory=list)
    #: Pairs that a person has to look at.
    review: list[Likeness] = field(default_factory=list)
    compared: int = 0


def find_matches(
    profiles: Sequence[Profile],
    *,
    match_bits: float = MATCH_BITS,
    review_bits: float = REVIEW_BITS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Matches:
    """Find the clusters of a list, and the pairs between the two thresholds."""
    known = count_frequencies(profiles)
    blocks = Blocks(profiles)
    found = Matches()
    likely: list[Likeness] = []
    for index, profile in enumerate(profiles):
        if index % 1_000 == 0:
            progress(index, len(profiles))
        for other in blocks.candidates(index):
            found.compared += 1
            result = compare_likely(
                profile, profiles[other], known, least_bits=review_bits
            )
            if result is not None:
                likely.append(Likeness(index, other, result))
    certain = [
        (each.one, each.other, each.comparison.bits)
        for each in likely
        if each.comparison.bits >= match_bits
    ]
    found.clusters = cluster(
        certain,
        lambda a, b: compare(profiles[a], profiles[b], known).bits,
        lambda a, b: are_contrary(profiles[a], profiles[b]),
    )
    _sort_out(found, likely)
    return found


def _sort_out(found: Matches, likely: list[Likeness]) -> None:
    """Tell the pairs within clusters from those that are left to a person."""
    home = {
        index: number
        for number, members in enumerate(found.clusters)
        for index in members
    }
    for each in sorted(likely, key=lambda each: (each.one, each.other)):
        a, b = home.get(each.one), home.get(each.other)
        (found.pairs if a is not None and a == b else found.review).append(each)
