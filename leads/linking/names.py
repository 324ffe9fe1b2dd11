"""Compare two names of businesses. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from leads.linking.profiles import Name, Profile
from leads.linking.weighing import NOTHING, Evidence, Frequencies

Weigh = Callable[[str], float]
#: Likeness of names -> bits; between the points along a straight line.
_CURVE = (
    (0.0, -8.0), (0.2, -7.0), (0.35, -5.0), (0.5, -2.0), (0.6, 0.5), (0.7, 3.0),
    (0.8, 5.5), (0.9, 7.5), (1.0, 9.0),
)  # fmt: skip
#: What the same name tells more when its words are rare.
_RARE_BITS = 2.5
#: The most that names can tell.
BEST_NAME_BITS = _CURVE[-1][1] + _RARE_BITS
#: What the name of the town tells inside a business's name.
_TOWN_SHARE = 0.3
#: Likeness of two names of which one is the other with more said: "Chinois on Main".
_CONTAINED = 0.75
#: What a contained name must tell at least, so that "Grill" is not in every name.
_TELLING = 4.0
#: Below this a pair of words is two words.
_LEAST_LIKE = 0.84


def name_likeness(one: Profile, other: Profile, weigh: Weigh) -> float:
    """Give how alike two businesses' names are, from 0 to 1; the best of their aliases."""
    town = set(one.city) | set(other.city)

    def weigh_here(word: str) -> float:
        # Directories put the town into a name, or leave it out.
        return weigh(word) * (_TOWN_SHARE if word in town else 1.0)

    return max(
        (_likeness(a, b, weigh_here) for a in one.names for b in other.names),
        default=0.0,
    )


def compare_names(one: Profile, other: Profile, known: Frequencies) -> Evidence:
    """Weigh two businesses' names; that of a chain tells less."""
    if not one.names or not other.names:
        return NOTHING
    likeness = name_likeness(one, other, known.word_weight)
    bits = _on_curve(likeness)
    if likeness < 1:
        return Evidence(bits, f"name {likeness:.2f}")
    name = one.names[0]
    bits -= min(known.shared_bits(f"n:{name.key}"), 4)
    told = _weight(name.words, known.word_weight)
    return Evidence(bits + min(max(told - 6, 0) / 4, _RARE_BITS), "same name")


def _on_curve(likeness: float) -> float:
    for (x, low), (above, high) in pairwise(_CURVE):
        if likeness <= above:
            return low + (high - low) * (likeness - x) / (above - x)
    return _CURVE[-1][1]


def are_contrary(one: Profile, other: Profile) -> bool:
    """Say whether two names each have a word that the other lacks, in any spelling."""
    if not one.names or not other.names:
        return False
    a, b = one.names[0].words, other.names[0].words
    left = [word for word in a if word not in b]
    right = [word for word in b if word not in a]
    _, left, right = _pair_up(left, right)
    return bool(left and right)


def _likeness(one: Name, other: Name, weigh: Weigh) -> float:
    if one.key == other.key or one.joined == other.joined:
        return 1.0
    shared = [word for word in one.words if word in other.words]
    left = [word for word in one.words if word not in other.words]
    right = [word for word in other.words if word not in one.words]
    both = _weight(shared, weigh)
    pairs, left, right = _pair_up(left, right)
    both += sum(like * max(weigh(a), weigh(b)) for a, b, like in pairs)
    missing = sum((1 - like) * max(weigh(a), weigh(b)) for a, b, like in pairs)
    only_left, only_right = _weight(left, weigh), _weight(right, weigh)
    if _numbers_differ(left, right):
        return min(0.4, both / (both + only_left + only_right + 1e-9))
    # One name may be the other with more said: that costs half of a difference.
    extra = min(only_left, only_right) + 0.5 * abs(only_left - only_right)
    by_words = both / (both + missing + extra) if both else 0.0
    if both - missing >= _TELLING:
        alone = missing + min(only_left, only_right)
        by_words = max(by_words, _CONTAINED * both / (both + alone))
    return max(by_words, _by_letters(one, other))


def _by_letters(one: Name, other: Name) -> float:
    """Compare without blanks: for typing errors that split or join words."""
    shortest = min(len(one.joined), len(other.joined))
    if shortest < 5:
        return 0.0
    alike = fuzz.ratio(one.joined, other.joined, score_cutoff=80) / 100
    # One wrong letter of 20 is a typing error; of 8 it may be another name.
    return max(0.0, 1 - 2 * (1 - alike)) if alike else 0.0


def _weight(words: Iterable[str], weigh: Weigh) -> float:
    return sum(map(weigh, words))


def _numbers_differ(left: list[str], right: list[str]) -> bool:
    return any(word[0].isdigit() for word in left) and any(
        word[0].isdigit() for word in right
    )


def _pair_up(
    left: list[str], right: list[str]
) -> tuple[list[tuple[str, str, float]], list[str], list[str]]:
    """Pair words that are spelled differently; also give the words left alone."""
    if not left or not right:
        return [], left, right
    found = sorted(
        (
            (like, a, b)
            for a in left
            for b in right
            if (like := word_likeness(a, b)) >= _LEAST_LIKE
        ),
        reverse=True,
    )
    pairs = []
    left, right = list(left), list(right)
    for like, a, b in found:
        if a in left and b in right:
            left.remove(a)
            right.remove(b)
            pairs.append((a, b, like))
    return pairs, left, right


def word_likeness(one: str, other: str) -> float:
    """Give how likely two words are spellings of one, from 0 to 1."""
    if one[0].isdigit() or other[0].isdigit():
        return 1.0 if one == other else 0.0
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) >= 3 and long.startswith(short):
        return 0.9  # "rest" for "restaurant", "tech" for "technik".
    if len(short) <= 2:
        return 0.85 if long.startswith(short) and len(short) == 1 else 0.0
    slips = OSA.distance(short, long, score_cutoff=2)
    if slips == 1 and len(short) >= 4:
        return 0.95
    if slips == 2 and len(short) >= 7:
        return 0.88
    if slips == 1:
        return _LEAST_LIKE if short[0] == long[0] else 0.0
    likeness = JaroWinkler.similarity(short, long)
    return likeness if likeness >= 0.93 and len(short) >= 6 else 0.0
