"""Make clusters of pairs, so that a chain of likenesses joins no strangers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product

#: Two groups join when their members are one business on the average.
_LEAST_AVERAGE = 0.0
#: A pair that differs so much keeps its groups apart, whatever the others say.
_VETO_BITS = -9.0
#: As many pairs of two groups are looked at; those of larger ones are a sample.
_MOST_PAIRS = 60

Pair = tuple[int, int]


def cluster(
    pairs: Iterable[tuple[int, int, float]], compare: Callable[[int, int], float]
) -> list[list[int]]:
    """Join pairs, the best first, into clusters of two and more, sorted.

    `pairs` are (record, record, bits) of matches; `compare` gives the bits of pairs
    that were not among them.
    """
    known: dict[Pair, float] = {}
    for a, b, bits in pairs:
        known[min(a, b), max(a, b)] = bits
    groups: dict[int, list[int]] = {}
    for a, b in sorted(known, key=lambda pair: (-known[pair], pair)):
        one, other = groups.setdefault(a, [a]), groups.setdefault(b, [b])
        if one is other:
            continue
        if len(one) + len(other) > 2 and not _belong(one, other, known, compare):
            continue
        if len(one) < len(other):
            one, other = other, one
        one.extend(other)
        for member in other:
            groups[member] = one
    unique = {id(group): group for group in groups.values() if len(group) > 1}
    return sorted(sorted(group) for group in unique.values())


def _belong(
    one: list[int],
    other: list[int],
    known: dict[Pair, float],
    compare: Callable[[int, int], float],
) -> bool:
    """Say whether two groups are one business by the average of their pairs."""
    total = 0.0
    pairs = list(product(one, other))
    step = -(-len(pairs) // _MOST_PAIRS)
    for a, b in pairs[::step]:
        pair = (min(a, b), max(a, b))
        if (bits := known.get(pair)) is None:
            bits = known[pair] = compare(*pair)
        if bits < _VETO_BITS:
            return False
        total += bits
    return total / len(pairs[::step]) >= _LEAST_AVERAGE
