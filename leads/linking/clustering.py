"""Make clusters of pairs, so that a chain of likenesses joins no strangers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations, product

#: Two groups join when their members are one business on the average.
_LEAST_AVERAGE = 0.0
#: How sure two groups have to be of each other, as a share of what they are of
#: themselves.
_LEAST_SHARE = 0.7
#: A pair that differs so much keeps its groups apart, whatever the others say.
_VETO_BITS = -9.0
#: As many pairs of two groups are looked at; those of larger ones are a sample.
_MOST_PAIRS = 60

Pair = tuple[int, int]


def cluster(
    pairs: Iterable[tuple[int, int, float]],
    compare: Callable[[int, int], float],
    contrary: Callable[[int, int], bool] = lambda a, b: False,
) -> list[list[int]]:
    """Join pairs, the best first, into clusters of two and more, sorted.

    `pairs` are (record, record, bits) of matches; `compare` gives the bits of pairs
    that were not among them, `contrary` says whether the names of two records
    each have words that the other lacks.
    """
    known: dict[Pair, float] = {}
    for a, b, bits in pairs:
        known[min(a, b), max(a, b)] = bits
    groups: dict[int, list[int]] = {}
    for a, b in sorted(known, key=lambda pair: (-known[pair], pair)):
        one, other = groups.setdefault(a, [a]), groups.setdefault(b, [b])
        if one is other:
            continue
        if len(one) + len(other) > 2 and not _belong(
            one, other, known, compare, contrary
        ):
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
    contrary: Callable[[int, int], bool],
) -> bool:
    """Say whether two groups are one business by the average of their pairs."""

    def bits_of(a: int, b: int) -> float:
        pair = (min(a, b), max(a, b))
        if (bits := known.get(pair)) is None:
            bits = known[pair] = compare(*pair)
        return bits

    between = [bits_of(a, b) for a, b in _sample(list(product(one, other)))]
    average = sum(between) / len(between)
    if min(between) < _VETO_BITS or average < _LEAST_AVERAGE:
        return False
    if len(one) == 1 or len(other) == 1:
        return True
    # Two groups that are each much surer of themselves, and whose names say different
    # things, share a house, a number and half a name: a hotel's cafe and dining room.
    inside = min(
        sum(pairs) / len(pairs)
        for pairs in (
            [bits_of(a, b) for a, b in _sample(list(combinations(group, 2)))]
            for group in (one, other)
        )
    )
    if average >= inside * _LEAST_SHARE:
        return True
    pairs = _sample(list(product(one, other)))
    return sum(contrary(a, b) for a, b in pairs) * 2 < len(pairs)


def _sample(pairs: list[Pair]) -> list[Pair]:
    return pairs[:: -(-len(pairs) // _MOST_PAIRS)]
