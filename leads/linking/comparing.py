"""Compare two records and say how likely they are one business, and why. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from leads.linking.names import BEST_NAME_BITS, compare_names
from leads.linking.places import compare_points, compare_streets, compare_towns
from leads.linking.profiles import Profile, same_phone
from leads.linking.weighing import NOTHING, PRIOR_BITS, Evidence, Frequencies

#: From here on two records are one business without asking anybody: odds of 6 to 1.
MATCH_BITS = 2.5
#: From here on a person is asked.
REVIEW_BITS = -1.5
#: North American numbers of firms with many branches.
_TOLL_FREE = re.compile(r"1?8(?:00|33|44|55|66|77|88)\d{7}\Z")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two records compare."""

    bits: float
    #: What counted, as a person says it: "same phone", "name 0.93".
    reasons: tuple[str, ...]

    @property
    def probability(self) -> float:
        """The probability, from 0 to 1, that both are one business."""
        return 1 / (1 + math.pow(2, -self.bits))


def compare(one: Profile, other: Profile, known: Frequencies) -> Comparison:
    """Compare two profiles; `known` tells what is rare and what many share."""
    found = compare_likely(one, other, known, least_bits=-math.inf)
    assert found is not None, "nothing is below minus infinity"
    return found


def compare_likely(
    one: Profile, other: Profile, known: Frequencies, *, least_bits: float
) -> Comparison | None:
    """Compare two profiles, or give None early when they can't reach `least_bits`.

    Names are the dearest to compare and come last.
    """
    reached = _compare_reach(one, other, known)
    town = compare_towns(one, other)
    shared = known.shared_bits(f"a:{one.place_key}")
    street = compare_streets(one.street, other.street, shared)
    point = compare_points(one, other)
    rest = PRIOR_BITS + _reach_and_place(reached, street, town, point)
    if rest + BEST_NAME_BITS < least_bits:
        return None
    name = compare_names(one, other, known)
    bits = rest + name.bits
    if bits < least_bits:
        return None
    parts = (*reached, name, street, town, point)
    return Comparison(
        round(bits, 2), tuple(part.reason for part in parts if part.reason)
    )


def _reach_and_place(
    reached: list[Evidence], street: Evidence, town: Evidence, point: Evidence
) -> float:
    """Add up what hangs together: one house has one telephone and one town."""
    place = _place_bits(street, town, point)
    reach = sum(part.bits for part in reached if part.bits < 0)
    for rank, bits in enumerate(
        sorted((part.bits for part in reached if part.bits > 0), reverse=True)
    ):
        reach += bits if rank == 0 else bits * 0.4
    if reach > 0 and place > 0:
        return max(reach, place) + 0.5 * min(reach, place)
    return reach + place


def _place_bits(street: Evidence, town: Evidence, point: Evidence) -> float:
    if street.bits >= 5 and town.bits < 0:
        # Neighbouring towns' names are mixed up; the house is not.
        return street.bits + max(town.bits, -6.0) / 2 + min(point.bits, 0)
    if street.bits > 0 or point.bits > 0:
        best, second = sorted((max(street.bits, 0), max(point.bits, 0)), reverse=True)
        worst = min(street.bits, 0) + min(point.bits, 0)
        return (
            best
            + 0.2 * second
            + worst / 2
            + (town.bits if town.bits < 0 else town.bits / 2)
        )
    return max(street.bits + town.bits + point.bits, -9.0)


def _compare_reach(one: Profile, other: Profile, known: Frequencies) -> list[Evidence]:
    """Compare by what a business is reached: telephone, mailbox, website."""
    return [
        part
        for part in (
            _compare_phones(one.phones, other.phones, known),
            _compare_emails(one, other, known),
            _compare_sites(one, other, known),
        )
        if part is not NOTHING
    ]


def _compare_phones(
    one: tuple[str, ...], other: tuple[str, ...], known: Frequencies
) -> Evidence:
    if not one or not other:
        return NOTHING
    for a in one:
        for b in other:
            if same_phone(a, b):
                toll_free = 2.5 if _TOLL_FREE.match(a) else 0
                shared = min(known.shared_bits(f"p:{a[-7:]}") * 1.5, 8)
                return Evidence(10 - shared - toll_free, "same phone")
    a, b = one[0], other[0]
    if a[-7:] == b[-7:]:
        return Evidence(6.0, "phone but for the area code")
    if OSA.distance(a, b, score_cutoff=1) <= 1:
        return Evidence(3.0, "phone nearly")
    return Evidence(-3.0, "other phone")


def _compare_emails(one: Profile, other: Profile, known: Frequencies) -> Evidence:
    if not one.emails or not other.emails:
        return NOTHING
    for email in one.emails:
        if email in other.emails:
            return Evidence(
                8 - min(known.shared_bits(f"e:{email}") * 1.5, 7), "same e-mail"
            )
    return NOTHING


def _compare_sites(one: Profile, other: Profile, known: Frequencies) -> Evidence:
    if not one.sites or not other.sites:
        return NOTHING
    for site in one.sites:
        if site in other.sites:
            return Evidence(
                6 - min(known.shared_bits(f"w:{site}") * 1.5, 5), "same website"
            )
    return Evidence(-1.5, "other website")
