"""Make of a record the profile by which it is compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from leads.linking.streets import NOWHERE, Street, parse_street
from leads.linking.words import name_words, plain, split_words
from leads.matching import website_key

#: The fields of a record that are looked at, by their names in `Lead`.
COMPARED_FIELDS = (
    *("name", "phone", "email", "website", "street", "city", "region"),
    *("postal_code", "country", "latitude", "longitude"),
)
#: Mailboxes that everybody can have: their domain identifies nobody.
_FREE_MAIL = frozenset(
    """
    gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.de yahoo.fr ymail.com hotmail.com
    hotmail.co.uk outlook.com live.com msn.com aol.com icloud.com me.com mac.com gmx.de
    gmx.net gmx.com gmx.at web.de t-online.de freenet.de mail.com proton.me protonmail.com
    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net
    earthlink.net mail.ru yandex.ru orange.fr free.fr wanadoo.fr laposte.net libero.it
    btinternet.com qq.com 163.com
    """.split()
)
_EXTENSION = re.compile(r"(?:\bext(?:ension)?\b|\bx|(?<=\d)x)\.?\s*\d+\s*\Z")
_BETWEEN_PHONES = re.compile(r"[,;|]|\bor\b|\band\b|\s/\s")
#: What stands between two names of one business.
_ALIAS = re.compile(
    r"\b(?:d\s*[./]\s*b\s*[./]\s*a\b\.?|dba\b|a\s*[./]\s*k\s*[./]\s*a\b\.?|aka\b"
    r"|t\s*/\s*a\b|formerly|trading as|doing business as)\s*:?",
    re.IGNORECASE,
)
#: Fewer digits than these are no number by which anybody can be called.
_LEAST_DIGITS = 7
#: Postal codes of the United States come with and without the last four digits.
_ZIP_PLUS = re.compile(r"(\d{5})(?:[- ]?\d{4})?")
_NO_VALUE = frozenset({"none", "null", "nan", "n/a", "na", "-", "–", "?", "unknown"})


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a business."""

    words: tuple[str, ...]
    #: The words without blanks between them: "bel air" is "belair".
    joined: str
    #: The words in order of the alphabet: "hotel bel air" is "bel air hotel".
    key: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What is compared of a record; empty where the record says nothing."""

    names: tuple[Name, ...] = ()
    #: Digits without leading zeros and extension.
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    #: Its own website, and the domain of its own mailboxes.
    sites: tuple[str, ...] = ()
    street: Street = field(default=NOWHERE)
    city: tuple[str, ...] = ()
    region: str = ""
    postcode: str = ""
    country: str = ""
    point: tuple[float, float] | None = None

    @property
    def place_key(self) -> str:
        """Where it is, for telling branches apart; empty when nothing says so."""
        if self.street.is_empty:
            return self.postcode or "".join(self.city)
        return f"{self.street.number}|{'|'.join(self.street.words)}"


def make_profile(values: Mapping[str, Any]) -> Profile:
    """Make the profile of a record; fields that it doesn't have may be missing."""
    given = {name: _text(values.get(name)) for name in COMPARED_FIELDS}
    street, postcode = parse_street(given["street"])
    emails = tuple(
        address.strip(" <>.").lower()
        for address in re.split(r"[,;\s]+", given["email"])
        if "@" in address
    )
    return Profile(
        names=_names(given["name"]),
        phones=read_phones(given["phone"]),
        emails=emails,
        sites=_sites(given["website"], emails),
        street=street,
        city=_city(given["city"]),
        region=_joined(given["region"]),
        postcode=_postcode(given["postal_code"]) or postcode,
        country=_joined(given["country"]),
        point=_point(given["latitude"], given["longitude"]),
    )


def _text(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return "" if text.lower() in _NO_VALUE else text


def _names(text: str) -> tuple[Name, ...]:
    if not text:
        return ()
    parts = [part for part in _ALIAS.split(text) if part.strip(" ,.-()")]
    return tuple(_name(part) for part in parts if name_words(part))


def _name(text: str) -> Name:
    words = tuple(name_words(text))
    return Name(words, "".join(words), " ".join(sorted(words)))


def read_phones(text: str) -> tuple[str, ...]:
    """Give the numbers of a cell as digits, without extension and leading zeros.

    A national and an international spelling of a number end in the same digits.
    """
    if not text:
        return ()
    whole = _digits(text)
    if len(whole) <= 13:
        return (whole,) if len(whole) >= _LEAST_DIGITS else ()
    parts = (_digits(part) for part in _BETWEEN_PHONES.split(text))
    return tuple(
        dict.fromkeys(part for part in parts if _LEAST_DIGITS <= len(part) <= 15)
    )


def _digits(text: str) -> str:
    text = _EXTENSION.sub("", text.lower().replace("(0)", ""))
    text = text.removesuffix(".0")  # A number that went through a spreadsheet.
    return "".join(char for char in text if char in "0123456789").lstrip("0")


def same_phone(one: str, other: str) -> bool:
    """Say whether two numbers are one, with or without country or area code."""
    if len(one) > len(other):
        one, other = other, one
    return one == other or (len(one) >= _LEAST_DIGITS and other.endswith(one))


def _sites(website: str, emails: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    if website:
        url = website if "://" in website else f"http://{website}"
        found.append(website_key(url))
    domains = (address.rpartition("@")[2] for address in emails)
    found += (domain for domain in domains if domain not in _FREE_MAIL)
    return tuple(dict.fromkeys(site for site in found if site))


@lru_cache(maxsize=20_000)
def _city(text: str) -> tuple[str, ...]:
    words = split_words(plain(text))
    short = {"st": "saint", "ft": "fort", "mt": "mount"}
    short |= {"n": "north", "s": "south", "e": "east", "w": "west"}
    kept = (short.get(word, word) for word in words if word not in ("city", "of"))
    return tuple(kept) or tuple(words)


@lru_cache(maxsize=20_000)
def _joined(text: str) -> str:
    return "".join(split_words(plain(text)))


def _postcode(text: str) -> str:
    code = _joined(text.removesuffix(".0"))
    if found := _ZIP_PLUS.fullmatch(text.strip()):
        return found[1]
    # 2139 is 02139 after a spreadsheet took it for a number.
    return code


def _point(latitude: str, longitude: str) -> tuple[float, float] | None:
    try:
        point = float(latitude), float(longitude)
    except ValueError:
        return None
    inside = -90 <= point[0] <= 90 and -180 <= point[1] <= 180
    return point if inside and point != (0.0, 0.0) else None
