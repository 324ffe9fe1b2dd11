"""What a demo site may say about a business: its facts, cleaned, as plain values."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers

#: Control, format and surrogate characters, and code points that are no characters:
#: HTML forbids most of them, and bidirectional overrides could turn the page's own
#: words around. U+200C and U+200D stay: Persian words and emoji are spelled with them.
_DROPPED = {"Cc", "Cf", "Cs", "Cn", "Co"}
_KEPT = {"\u200c", "\u200d"}
_SPACES = re.compile(r"\s+")
_EMAIL = re.compile(r"[^@\s<>\"',;:\\]+@[^@\s<>\"',;:\\]+\.[^@\s<>\"',;:\\]+")
_SHORTEST_DESCRIPTION = 40
_HOURS = re.compile(
    r"(?P<days>(?:Mo|Tu|We|Th|Fr|Sa|Su)(?:[-,](?:Mo|Tu|We|Th|Fr|Sa|Su))*)"
    r"\s+(?P<opens>\d{1,2}:\d{2})\s*-\s*(?P<closes>\d{1,2}:\d{2})"
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where one field came from; `day` is an ISO date."""

    field: str
    source: str
    day: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of one business; every text may be hostile until cleaned.

    `phone` is E.164; `hours` are schema.org texts such as "Mo-Fr 09:00-17:00".
    """

    name: str
    category: str = ""
    description: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    hours: tuple[str, ...] = ()
    colour: str = ""
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Opening hours of some days, as schema.org writes days and as people do."""

    days: str
    opens: str
    closes: str


@dataclass(frozen=True, kw_only=True)
class Phone:
    """A phone number for a `tel:` link and for eyes; `link` is empty when unusable."""

    link: str
    shown: str


def clean(text: str, limit: int) -> str:
    """Return one line of at most `limit` characters without invisible ones."""
    kept = "".join(
        letter
        for letter in unicodedata.normalize("NFC", text)
        if letter in _KEPT
        or letter.isspace()
        or unicodedata.category(letter) not in _DROPPED
    )
    line = _SPACES.sub(" ", kept).strip()
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def own_words(description: str, limit: int = 420) -> str:
    """Return the beginning of a description, cut after a sentence; "" if too short."""
    text = clean(description, 100_000)
    if len(text) < _SHORTEST_DESCRIPTION:
        return ""
    if len(text) <= limit:
        return text
    head = text[:limit]
    end = max(head.rfind(mark) for mark in (". ", "! ", "? "))
    return head[: end + 1] if end >= _SHORTEST_DESCRIPTION else clean(text, limit)


def read_phone(number: str) -> Phone | None:
    """Return a phone number to link and show; None when there is none."""
    text = clean(number, 40)
    if not text:
        return None
    try:
        parsed = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return Phone(link="", shown=text)
    american = parsed.country_code == 1
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if american
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return Phone(
        link=phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
        shown=phonenumbers.format_number(parsed, style),
    )


def read_email(address: str) -> str:
    """Return the address when it is safe in a `mailto:` link, otherwise ""."""
    text = clean(address, 254)
    return text if _EMAIL.fullmatch(text) else ""


def read_hours(lines: tuple[str, ...]) -> tuple[Hours, ...]:
    """Return the opening hours that can be read; the others are left out."""
    matches = (_HOURS.fullmatch(clean(line, 60)) for line in lines)
    return tuple(
        Hours(days=m["days"], opens=m["opens"].zfill(5), closes=m["closes"].zfill(5))
        for m in matches
        if m
    )


def place_of(facts: Facts) -> str:
    """Return city and region on one line."""
    return ", ".join(
        part for part in (clean(facts.city, 60), clean(facts.region, 40)) if part
    )


def address_of(facts: Facts) -> tuple[str, ...]:
    """Return the postal address in lines; only for a known street or postal code."""
    street = clean(facts.street, 120)
    postal = clean(facts.postal_code, 20)
    if not (street or postal):
        return ()
    town = " ".join(part for part in (place_of(facts), postal) if part)
    return tuple(line for line in (street, town, clean(facts.country, 60)) if line)
