"""Find the few pairs of records that are worth comparing. Pure.

Records that share a rare value (a number, an address, a word of the name) are
candidates. A block of many is split by a second value, and what is still large is
walked along its names in order, so the pairs grow with the records and not with
their square.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from leads.linking.profiles import Profile
from leads.linking.words import GENERIC_STEMS

#: Up to here everybody in a block is compared with everybody; in larger blocks each
#: record is compared with so many neighbours by name.
_SMALL_BLOCK, _NEIGHBOURS = 25, 4
#: The same for lists of more than so many records, where blocks are large and many.
_MANY, _SMALL_BLOCK_OF_MANY, _NEIGHBOURS_OF_MANY = 20_000, 12, 2
#: Letters of a name, from its beginning and its end, that survive most slips.
_LETTERS = 5


def block_keys(profile: Profile) -> list[str]:
    """Give the values by which a record's candidates are found."""
    keys = [f"p:{phone[-7:]}" for phone in profile.phones]
    keys += [f"e:{email}" for email in profile.emails]
    keys += [f"w:{site}" for site in profile.sites]
    street = profile.street
    if street.number and street.words:
        longest = max(street.words, key=len)
        keys.append(f"a:{street.number}|{longest[:3]}")
        if len(street.words) > 1:
            keys += [f"a:{street.number}|{word[:3]}" for word in street.words]
    for name in profile.names:
        keys.append(f"n:{name.key}")
        keys.append(f"b:{name.joined[:_LETTERS]}")
        keys.append(f"z:{name.joined[-_LETTERS:]}")
        keys += [f"t:{word}" for word in name.words if _is_telling(word)]
    return list(dict.fromkeys(keys))


def table_keys(profile: Profile) -> list[str]:
    """Give the keys under which a lead is stored, those of two values among them.

    In a large table single words find too many: a word with its town finds few.
    """
    keys = block_keys(profile)
    seconds = [key for key in _second_keys(profile) if key[0] in "ac"]
    for name in profile.names[:1]:
        keys += [
            f"t:{word}|{second}"
            for word in name.words
            if _is_telling(word)
            for second in seconds
        ]
    return list(dict.fromkeys(key[:120] for key in keys))


def _is_telling(word: str) -> bool:
    return len(word) > 2 and word not in GENERIC_STEMS


def _second_keys(profile: Profile) -> Iterator[str]:
    """Give the values by which a large block is split."""
    if profile.street.number:
        yield f"a:{profile.street.number}"
    for phone in profile.phones:
        yield f"p:{phone[-4:]}"
    if profile.postcode:
        yield f"c:{profile.postcode}"
    elif profile.city:
        yield f"c:{profile.city[0]}"
    for name in profile.names[:1]:
        for word in name.words:
            yield f"t:{word}"


class Blocks:
    """The blocks of many records, ready to be walked."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self._profiles = profiles
        self._small, self._near = _SMALL_BLOCK, _NEIGHBOURS
        if len(profiles) > _MANY:
            self._small, self._near = _SMALL_BLOCK_OF_MANY, _NEIGHBOURS_OF_MANY
        blocks: dict[str, list[int]] = {}
        for index, profile in enumerate(profiles):
            for key in block_keys(profile):
                blocks.setdefault(key, []).append(index)
        #: Record -> blocks that it is in; neighbours are blocks of two.
        self._of: list[list[Sequence[int]]] = [[] for _ in profiles]
        while blocks:
            key, members = blocks.popitem()
            if len(members) <= self._small:
                self._keep(members)
            else:
                self._split(key, members)

    def candidates(self, index: int) -> set[int]:
        """Give the later records that a record is compared with."""
        return {other for block in self._of[index] for other in block if other > index}

    def _keep(self, members: Sequence[int]) -> None:
        if len(members) > 1:
            for index in members[:-1]:
                self._of[index].append(members)

    def _split(self, key: str, members: Sequence[int]) -> None:
        parts: dict[str, list[int]] = {}
        for index in members:
            for second in _second_keys(self._profiles[index]):
                if second != key:
                    parts.setdefault(second, []).append(index)
        for part in parts.values():
            if len(part) <= self._small:
                self._keep(part)
        self._walk(members)

    def _walk(self, members: Iterable[int]) -> None:
        """Pair each record of a large block with its next ones by name."""
        line = sorted(members, key=self._sort_key)
        for position, index in enumerate(line):
            for other in line[position + 1 : position + 1 + self._near]:
                self._keep(sorted((index, other)))

    def _sort_key(self, index: int) -> tuple[str, str, str]:
        profile = self._profiles[index]
        name = profile.names[0].key if profile.names else ""
        return name, profile.place_key, profile.phones[0] if profile.phones else ""
