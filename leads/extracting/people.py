"""Find who writes and for which business, by how people introduce themselves. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leads.extracting.spans import Found, distinct, overlaps
from leads.linking.words import GENERIC_WORDS, plain, split_words

#: One capital word; of bounded length, or a line of dots would be read again and again.
_CAP = r"(?<![\w.'\u2019-])[A-ZÀ-ÖØ-Þ][\w'\u2019.-]{0,40}"
_SMALL = r"(?:of|the|and|&|at|on|de|la|le|van|von|der|am|zum|zur|\+)"
#: A business's name: capital words, with small ones between them.
_BUSINESS = rf"(?:The\s+)?{_CAP}(?:[ \t]+(?:{_SMALL}[ \t]+){{0,2}}{_CAP}){{0,6}}"
_PERSON = rf"{_CAP}(?:[ \t]+(?:(?:van|von|de|der|la|le)[ \t]+)?{_CAP}){{0,3}}"
_LEGAL = (
    r"(?:,?\s+(?:Inc|LLC|L\.L\.C|Ltd|Limited|Corp|Co|PLLC|LLP|GmbH(?: & Co\. KG)?|AG|UG|KG"
    r"|OHG|e\.K|S\.?A\.?S|SARL|S\.?r\.?l|B\.?V)\b\.?)"
)
_LABELLED_BUSINESS = re.compile(
    r"^[ \t]*(?:company|business(?: name)?|firm|firma|organi[sz]ation|shop|restaurant|unternehmen)"
    r"[ \t]*[:=][ \t]*(?P<value>[^\n,;|]{2,80})",
    re.IGNORECASE | re.MULTILINE,
)
_LABELLED_PERSON = re.compile(
    r"^[ \t]*(?:name|contact(?: person)?|owner|manager|ansprechpartner(?:in)?|inhaber(?:in)?|attn)"
    r"[ \t]*[:=.][ \t]*(?P<value>[^\n,;|<(]{2,60})",
    re.IGNORECASE | re.MULTILINE,
)
_INTRODUCED = re.compile(
    rf"(?:\b[Mm]y name is|\b[Mm]y name[\u2019']s|\bI am|\bI[\u2019']m|\b[Tt]his is|\b[Ii]ch bin|"
    rf"\b[Mm]ein Name ist|\b[Aa]sk for|\b[Cc]ontact|\b[Oo]wner|\b[Ss]peak (?:to|with)|"
    rf"\bMr\.?|\bMrs\.?|\bMs\.?|\bHerr|\bFrau)[ \t]+(?P<value>{_PERSON})"
)
_SIGNED = re.compile(
    rf"(?:regards|sincerely|thanks|thank you|cheers|best|grüßen|grüße|gruß|yours)[^\n]{{0,20}}[,!.]?"
    rf"[ \t]*\n\s*(?:[-–—~*]\s*)?(?P<value>(?-i:{_PERSON}))[ \t]*(?=\n|,|\||\Z)",
    re.IGNORECASE,
)
_AFTER_SIGNATURE = re.compile(
    rf"(?:,|\||\n)[ \t]*(?:(?:owner|manager|ceo|founder|director|inhaber(?:in)?)[ \t]*(?:,|\||of|at|\n)[ \t]*)?"
    rf"(?P<value>(?-i:{_BUSINESS}){_LEGAL}?)[ \t]*(?=\n|,|\||\Z)",
    re.IGNORECASE,
)
_OF_BUSINESS = re.compile(
    rf"(?:\bfrom|\b(?:I|[Ww]e) (?:own|run|manage|have)|\bowners? of|\bowner at|\bmanager (?:of|at)"
    rf"|\bhere at|\bfor|\bvon der|\bvom|\bon behalf of|\bour (?:shop|restaurant|company|business),?"
    rf"|\bcalled|\bnamed|\bwork(?:ing)? (?:at|for))[ \t]+(?:(?:a|an|the|our|my)[ \t]+(?:[a-z]+[ \t]+){{0,2}})?"
    rf"(?P<value>{_BUSINESS}{_LEGAL}?)"
)
_WITH_LEGAL = re.compile(rf"(?P<value>{_BUSINESS}{_LEGAL})")
_LINE = re.compile(rf"^[ \t]*(?P<value>{_BUSINESS}{_LEGAL}?)[ \t]*$", re.MULTILINE)
_WELCOME = re.compile(rf"\b[Ww]elcome to[ \t]+(?P<value>{_BUSINESS}{_LEGAL}?)")
#: Capital words that begin sentences or name times and places of the week.
_NO_NAMES = frozenset(
    """
    i we you hi hello hey dear thanks thank regards best please the a an our my your this that
    monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun
    january february march april may june july august september october november december
    phone tel email mail fax address website hours open closed call contact web mobile cell
    subject from to re sent date suite street avenue road interested looking sorry happy glad
    not sure writing
    """.split()
)
_GENERIC = frozenset(GENERIC_WORDS)


def find_people(text: str, taken: Sequence[Found] = ()) -> list[Found]:
    """Find persons: introduced, signing, or named after a label."""
    found = []
    for form in (_LABELLED_PERSON, _INTRODUCED, _SIGNED):
        found += _pieces(form, text, taken)
    return distinct(each for each in found if _may_be_person(each.value))


def find_businesses(text: str, taken: Sequence[Found] = ()) -> list[Found]:
    """Find names of businesses, the surest kind of statement first."""
    found: list[Found] = []
    for form in (_LABELLED_BUSINESS, _WELCOME, _OF_BUSINESS, _WITH_LEGAL):
        found += _pieces(form, text, [*taken, *found])
    for signature in _SIGNED.finditer(text):
        if match := _AFTER_SIGNATURE.match(text, signature.end("value")):
            found += _piece(match, [*taken, *found])
    lines = _pieces(_LINE, text, [*taken, *found])
    found += [each for each in lines if _is_trade(each.value)]
    people = find_people(text, taken)
    return [
        each
        for each in found
        if not overlaps(each, [one for one in people if not _is_trade(each.value)])
    ]


def _pieces(form: re.Pattern[str], text: str, taken: Sequence[Found]) -> list[Found]:
    return [each for match in form.finditer(text) for each in _piece(match, taken)]


def _piece(match: re.Match[str], taken: Sequence[Found]) -> list[Found]:
    start, end = match.span("value")
    value = match["value"]
    words = value.split()
    # A sentence may begin inside: "from Rosa's Bakery. Please call".
    for place, word in enumerate(words):
        is_sentence_end = word.endswith(".") and len(word.rstrip(".")) > 3
        if (
            split_words(plain(word))
            and split_words(plain(word))[0] in _NO_NAMES
            and place
        ):
            words = words[:place]
            break
        if is_sentence_end:
            words = [*words[:place], word.rstrip(".")]
            break
    kept = " ".join(words).rstrip(" ,;:-–")
    if not kept or plain(kept).split()[0].strip("'\u2019.,") in _NO_NAMES - {"the"}:
        return []
    end = (
        start + value.find(kept.split()[-1]) + len(kept.split()[-1])
        if kept != value
        else end
    )
    each = Found(kept, start, end)
    return [] if overlaps(each, taken) else [each]


def _may_be_person(name: str) -> bool:
    words = split_words(plain(name))
    return (
        0 < len(words) <= 5
        and not any(char.isdigit() for char in name)
        and not set(words) & (_GENERIC - {"church", "house", "baker"})
        and not set(words) & _NO_NAMES
    )


def _is_trade(name: str) -> bool:
    """Say whether a line of capital words speaks of a trade: "Golden Spoon Diner"."""
    words = split_words(plain(name))
    return len(words) > 1 and bool(set(words) & _GENERIC)
