"""Take a street line apart: number, street, unit, what it crosses. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leads.linking.words import number_word, ordinal, plain, split_words

_TYPES = {
    **dict.fromkeys(("st", "str", "street", "strt"), "st"),
    **dict.fromkeys(("av", "ave", "avenue", "aven", "avn"), "ave"),
    **dict.fromkeys(("bl", "blv", "blvd", "boulevard", "boul", "bld"), "blvd"),
    **dict.fromkeys(("rd", "road"), "rd"),
    **dict.fromkeys(("dr", "drive", "drv"), "dr"),
    **dict.fromkeys(("ln", "lane"), "ln"),
    **dict.fromkeys(("ct", "court", "crt"), "ct"),
    **dict.fromkeys(("pl", "place", "plc"), "pl"),
    **dict.fromkeys(("sq", "square"), "sq"),
    **dict.fromkeys(("ter", "terr", "terrace"), "ter"),
    **dict.fromkeys(("cir", "circle", "crcl"), "cir"),
    **dict.fromkeys(("pkwy", "pky", "parkway", "pkway"), "pkwy"),
    **dict.fromkeys(("hwy", "highway", "hiway", "hgwy"), "hwy"),
    **dict.fromkeys(("fwy", "freeway"), "fwy"),
    **dict.fromkeys(("expwy", "expressway", "expy"), "expy"),
    **dict.fromkeys(("aly", "alley"), "aly"),
    **dict.fromkeys(("plz", "plza", "plaza"), "plz"),
    **dict.fromkeys(("trl", "trail"), "trl"),
    **dict.fromkeys(("way", "wy"), "way"),
    **dict.fromkeys(("row",), "row"),
    **dict.fromkeys(("strasse", "gasse", "weg", "allee", "platz"), "st"),
    **dict.fromkeys(("rue", "calle", "via", "avenida", "avda", "rua", "viale"), "st"),
}
_DIRECTIONS = {
    "n": "n", "north": "n", "no": "n", "s": "s", "south": "s", "so": "s",
    "e": "e", "east": "e", "w": "w", "west": "w",
    "ne": "ne", "northeast": "ne", "nw": "nw", "northwest": "nw",
    "se": "se", "southeast": "se", "sw": "sw", "southwest": "sw",
}  # fmt: skip
_UNITS = frozenset(
    "ste suite apt apartment unit rm room fl floor bldg building spc space lot"
    " no stall dept".split()
)
#: The rest says where on the street it is, not which street.
_CROSSING = re.compile(
    r"\b(?:between|betw|btwn|bet|near|off|corner of|cor|at|just|opposite|opp|nr|x)\b\.?"
    r"|@|\("
)
_PO_BOX = re.compile(r"\bp\s*\.?\s*o\s*\.?\s*box\s*(\w+)")
_UNIT_SIGN = re.compile(r"#\s*([\w-]+)")
_NUMBER = re.compile(r"\d+[a-z]?\Z")
_STREET_SUFFIX = re.compile(r"(?<=\w\w\w)(?:strasse|str)\Z")
_STATES = frozenset(
    "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv"
    " nh nj nm ny nc nd oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy dc".split()
)
_ZIP_AT_END = re.compile(r"\b(\d{5})(?:[- ]\d{4})?\s*(?:usa|us|united states)?\.?\s*\Z")


@dataclass(frozen=True, slots=True)
class Street:
    """One street line; everything is empty that it doesn't say."""

    number: str = ""
    #: The name of the street without its type ("st") and direction.
    words: tuple[str, ...] = ()
    direction: str = ""
    kind: str = ""
    unit: str = ""
    #: Words after "at", "between" or in brackets.
    crossing: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said that could be compared."""
        return not (self.number or self.words)


NOWHERE = Street()


def parse_street(text: str) -> tuple[Street, str]:
    """Take a street line apart; also give the US postal code at its end, if any."""
    line = plain(text).strip(" ,.")
    if not line:
        return NOWHERE, ""
    postcode = ""
    found = _ZIP_AT_END.search(line)
    # "10001" alone at the beginning would be a house number.
    if found and found.start() > 0:
        postcode, line = found[1], line[: found.start()].rstrip(" ,.")
    if box := _PO_BOX.search(line):
        return Street(number=box[1], words=("box",)), postcode
    units = _UNIT_SIGN.findall(line)
    line = _UNIT_SIGN.sub(" ", line)
    head, rest = _split_crossing(line)
    words = split_words(head.replace("/", " "))
    if postcode and words and words[-1] in _STATES:
        words.pop()
    number, words = _take_number(words)
    words, unit = _take_unit(words)
    return _street(number, words, unit or "".join(units), rest), postcode


def _split_crossing(line: str) -> tuple[str, list[str]]:
    found = _CROSSING.search(line)
    if not found:
        return line, []
    head = line[: found.start()]
    rest = line[found.end() :]
    if not any(char.isalnum() for char in head):
        head, rest = rest, ""
    return head, [
        ordinal(word)
        for word in split_words(_CROSSING.sub(" ", rest))
        if word not in _TYPES and word not in _DIRECTIONS and word != "and"
    ]


def _take_number(words: list[str]) -> tuple[str, list[str]]:
    """Take the house number from the beginning, or else from the end."""
    if not words:
        return "", words
    spelled = number_word(words[0])
    if len(words) > 1 and spelled != words[0] and words[1] not in _TYPES:
        return spelled, words[1:]
    if _NUMBER.match(words[0]) and len(words) > 1:
        rest = words[1:]
        # "12-14 Main St": the first number stands for the range.
        while len(rest) > 1 and _NUMBER.match(rest[0]) and rest[1] not in _TYPES:
            rest = rest[1:]
        return words[0].lstrip("0") or "0", rest
    for index in range(1, len(words)):
        before = words[index - 1]
        if _NUMBER.match(words[index]) and before not in _UNITS:
            if _TYPES.get(before) in ("hwy", "fwy", "rd") and index == 1:
                continue  # "Highway 9" is a street.
            return words[index], words[:index] + words[index + 1 :]
    return "", words


def _take_unit(words: list[str]) -> tuple[list[str], str]:
    for index, word in enumerate(words):
        if index and word in _UNITS:
            if index + 1 < len(words) and word not in ("fl", "floor"):
                return words[:index] + words[index + 2 :], words[index + 1]
            # "2nd floor": the number stands before.
            if word in ("fl", "floor") and index > 1:
                return words[: index - 1] + words[index + 1 :], ordinal(
                    words[index - 1]
                )
            return words[:index] + words[index + 1 :], ""
    return words, ""


def _street(number: str, words: list[str], unit: str, rest: list[str]) -> Street:
    names: list[str] = []
    direction = kind = ""
    for position, word in enumerate(words):
        is_last = position == len(words) - 1
        if word in _DIRECTIONS and (names or not is_last) and not direction:
            direction = _DIRECTIONS[word]
        elif word in _TYPES and not (not names and is_last):
            kind = kind or _TYPES[word]
        else:
            shortened = _STREET_SUFFIX.sub("", word)
            if shortened != word:
                kind = kind or "st"
            names.append(ordinal(shortened))
    return Street(number, tuple(names), direction, kind, unit, tuple(rest))
