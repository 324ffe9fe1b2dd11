"""How much each agreement and each difference of two records tells, in bits. Pure.

After Fellegi and Sunter: a bit doubles the odds that both are one business. What
is shared by many (a hotline, the name of a chain) tells less than what is rare.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from leads.linking.profiles import Profile
from leads.linking.words import GENERIC_STEMS

#: Odds that two records which share a block are one, before anything is compared.
PRIOR_BITS = -8.5
#: What generic words tell beside others.
_GENERIC_SHARE = 0.3
#: As if this many records had been seen, so that a short list makes nothing common.
_LEAST_RECORDS = 1_000


class Evidence(NamedTuple):
    """What one comparison tells: bits, and a few words that say why."""

    bits: float
    reason: str


NOTHING = Evidence(0.0, "")


def frequency_keys(profile: Profile) -> Iterator[tuple[str, str]]:
    """Give what of a profile others may share, as (value, by whom it is held)."""
    place = profile.place_key
    name = profile.names[0].key if profile.names else ""
    # A hotline is known by the places that share it; two spellings of one place are
    # few beside the branches of a chain.
    for phone in profile.phones:
        yield f"p:{phone[-7:]}", place or name
    for each in profile.names:
        yield f"n:{each.key}", place or (profile.phones[0] if profile.phones else "")
    for site in profile.sites:
        yield f"w:{site}", place or name
    for email in profile.emails:
        yield f"e:{email}", name
    if not profile.street.is_empty:
        yield f"a:{place}", name


@dataclass
class Frequencies:
    """How many hold a value, and in how many records a word stands."""

    records: int = 0
    words: Counter[str] = field(default_factory=Counter)
    holders: dict[str, int] = field(default_factory=dict)
    _weights: dict[str, float] = field(default_factory=dict)

    def word_weight(self, word: str) -> float:
        """Give what a word of a name tells: rare words most, generic ones least."""
        if (weight := self._weights.get(word)) is None:
            weight = self._weights[word] = self._word_weight(word)
        return weight

    def _word_weight(self, word: str) -> float:
        total = max(self.records, _LEAST_RECORDS)
        weight = math.log2(2 + total / (1 + self.words[word]))
        return weight * (_GENERIC_SHARE if word in GENERIC_STEMS else 1.0)

    def shared_bits(self, key: str) -> float:
        """Give how many bits less a value tells because many hold it; 0 for up to two."""
        return math.log2(max(self.holders.get(key, 2), 2) / 2)


def count_frequencies(profiles: Iterable[Profile]) -> Frequencies:
    """Count words and holders over all records that are to be matched."""
    found = Frequencies()
    holders: dict[str, set[str]] = {}
    for profile in profiles:
        found.records += 1
        found.words.update({word for name in profile.names for word in name.words})
        for key, holder in frequency_keys(profile):
            holders.setdefault(key, set()).add(holder)
    found.holders = {key: len(who) for key, who in holders.items() if len(who) > 2}
    return found
