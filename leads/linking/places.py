"""Compare where two businesses are. Pure."""

from __future__ import annotations

import math

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from leads.linking.names import word_likeness
from leads.linking.profiles import Profile
from leads.linking.streets import Street
from leads.linking.weighing import NOTHING, Evidence


def compare_streets(one: Street, other: Street, shared_bits: float) -> Evidence:
    """Weigh two street lines; `shared_bits` is taken off for an address of many."""
    if one.is_empty or other.is_empty:
        return NOTHING
    alike = street_likeness(one, other)
    if not one.number or not other.number:
        if alike >= 0.85:
            return Evidence(4.0 - min(shared_bits, 2), "same street")
        crossed = _crosses(one, other)
        if alike == 0 and one.words and other.words and not crossed:
            return Evidence(-2.5, "other street")
        return NOTHING
    if one.number == other.number:
        return _same_number(one, other, alike, shared_bits)
    if alike >= 0.85:
        if _mistyped(one.number, other.number):
            return Evidence(0.5, "same street, number nearly")
        return Evidence(-4.5, "other house number")
    if alike >= 0.5:
        return Evidence(-5.0, "other address")
    return Evidence(-6.5, "other address")


def _same_number(
    one: Street, other: Street, alike: float, shared_bits: float
) -> Evidence:
    if alike >= 0.85:
        if one.direction and other.direction and one.direction != other.direction:
            return Evidence(-1.0, "other side of the street")
        bits = 9.0 - min(shared_bits, 5)
        if one.unit and other.unit and one.unit != other.unit:
            return Evidence(min(bits, 3.0), "same house, other unit")
        return Evidence(bits, "same address")
    if alike >= 0.5:
        return Evidence(5.0, "nearly the same address")
    if not one.words or not other.words:
        return Evidence(3.0, "same house number")
    if _crosses(one, other):
        return Evidence(5.0, "same corner")
    return Evidence(-2.5, "other street")


def street_likeness(one: Street, other: Street) -> float:
    """Give how alike the names of two streets are, from 0 to 1."""
    if one.words == other.words:
        return 1.0 if one.words else 0.0
    short, long = sorted((one.words, other.words), key=len)
    if not short:
        return 0.0
    total = 0.0
    for word in short:
        total += max(_street_word(word, each) for each in long)
    by_words = total / len(short)
    if len(long) > len(short) and len(short) == 1 and len(short[0]) < 3:
        by_words *= 0.7
    joined = fuzz.ratio("".join(one.words), "".join(other.words)) / 100
    return max(by_words, joined if joined >= 0.85 else 0.0)


def _street_word(one: str, other: str) -> float:
    return 1.0 if one == other else word_likeness(one, other)


def _crosses(one: Street, other: Street) -> bool:
    """Say whether one line names the street that the other line crosses."""
    return bool(
        set(one.words) & set(other.crossing) or set(other.words) & set(one.crossing)
    )


def _mistyped(one: str, other: str) -> bool:
    """Say whether two house numbers of three and more digits differ by one slip.

    Not in the first digit: 700 and 800 are two blocks of the street.
    """
    is_long = min(len(one), len(other)) >= 3
    return is_long and one[0] == other[0] and OSA.distance(one, other) == 1


def compare_towns(one: Profile, other: Profile) -> Evidence:
    """Weigh postal code, town, region and country."""
    if one.country and other.country and not _may_be_same(one.country, other.country):
        return Evidence(-6.0, "other country")
    if one.region and other.region and not _may_be_same(one.region, other.region):
        return Evidence(-4.0, "other region")
    if one.postcode and other.postcode:
        if one.postcode == other.postcode:
            return Evidence(3.0, "same postal code")
        code = _compare_codes(one.postcode, other.postcode)
        town = _compare_cities(one.city, other.city)
        return town if town.bits > 0 and code.bits > -1.5 else code
    return _compare_cities(one.city, other.city)


def _may_be_same(one: str, other: str) -> bool:
    """Say whether "ca" and "california", "us" and "usa" may mean one thing."""
    short, long = sorted((one, other), key=len)
    if short == long or long.startswith(short):
        return True
    # "de" and "germany", "ny" and "newyork": a code beside a name tells nothing.
    return len(short) <= 3 < len(long)


def _compare_codes(one: str, other: str) -> Evidence:
    if len(one) == len(other) and OSA.distance(one, other) == 1:
        return Evidence(0.0, "")
    if one[:3] == other[:3]:
        return Evidence(-1.0, "other postal code")
    return Evidence(-3.0, "other postal code")


def _compare_cities(one: tuple[str, ...], other: tuple[str, ...]) -> Evidence:
    if not one or not other:
        return NOTHING
    if one == other or set(one) <= set(other) or set(other) <= set(one):
        return Evidence(2.0, "same town")
    if fuzz.ratio("".join(one), "".join(other)) >= 84:
        return Evidence(1.5, "same town")
    return Evidence(-2.5, "other town")


def compare_points(one: Profile, other: Profile) -> Evidence:
    """Weigh the distance between two points on the map."""
    if one.point is None or other.point is None:
        return NOTHING
    metres = distance(one.point, other.point)
    if metres <= 75:
        return Evidence(5.0, f"{metres:.0f} m apart")
    if metres <= 300:
        return Evidence(2.5, f"{metres:.0f} m apart")
    if metres <= 2_000:
        return Evidence(-1.0, f"{metres / 1000:.1f} km apart")
    return Evidence(-5.0 if metres <= 20_000 else -7.0, f"{metres / 1000:.0f} km apart")


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Give the metres between two points, exact enough for neighbours."""
    mean = math.radians((one[0] + other[0]) / 2)
    east = math.radians(other[1] - one[1]) * math.cos(mean)
    north = math.radians(other[0] - one[0])
    return 6_371_000 * math.hypot(east, north)
