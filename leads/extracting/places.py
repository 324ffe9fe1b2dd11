"""Find postal addresses in text: North American, German and British. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from leads.extracting.spans import Found

_WORD = r"[^\W\d_][\w'\u2019.-]{0,40}"
_KIND = (
    r"(?:street|st|avenue|ave|av|boulevard|blvd|road|rd|drive|dr|lane|ln|court|ct|place|pl"
    r"|square|sq|terrace|ter|circle|cir|parkway|pkwy|highway|hwy|way|alley|plaza|row"
    r"|broadway)"
)
_UNIT = r"(?:,?\s*(?:\#|suite|ste|unit|apt|floor|fl|rm|room)\.?\s*[\w-]+)?"
_STATE = (
    r"(?P<region>A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]"
    r"|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])"
)
_AMERICAN = re.compile(
    rf"(?P<street>\b\d{{1,6}}[a-z]?(?:-\d+)?\s+(?:[NSEW]{{1,2}}\.?\s+)?"
    rf"(?:(?:{_WORD}|\d+(?:st|nd|rd|th))\s+){{0,4}}?{_KIND}\b\.?(?:\s+[NSEW]{{1,2}}\b)?{_UNIT})"
    rf"(?:\s*[,\n]\s*(?P<city>(?-i:[A-Z])[\w'\u2019.-]{{0,40}}(?:[ ](?-i:[A-Z])[\w'\u2019.-]{{0,40}}){{0,3}}?)"
    rf"\s*,?\s+(?-i:{_STATE})\b\.?(?:\s+(?P<code>\d{{5}}(?:-\d{{4}})?))?)?",
    re.IGNORECASE,
)
_GERMAN = re.compile(
    r"(?P<street>(?:[A-ZÄÖÜ][\wäöüß.-]{0,40}\s)?(?:[A-ZÄÖÜ][\wäöüß.-]{0,40}(?:straße|strasse|str\.|weg"
    r"|platz|allee|gasse|ring|damm|ufer)|(?:[A-ZÄÖÜ][\wäöüß-]{0,40}\s)"
    r"(?:Straße|Str\.|Weg|Platz|Allee|Ring))\s+\d{1,4}\s?[a-z]?)\b"
    r"(?:\s*[,\n]\s*(?:[A-Z]{1,2}-)?(?P<code>\d{5})\s+(?P<city>[A-ZÄÖÜ][\wäöüß.-]{1,40}"
    r"(?:\s(?:am|an|im|[A-ZÄÖÜ])[\wäöüß./-]{0,40}){0,3}))?"
)
_BRITISH = re.compile(
    r"(?P<street>\b\d{1,4}[a-z]?\s+(?:[A-Z][\w'\u2019-]{0,40}\s){1,4}(?:Street|St|Road|Rd|Lane|Avenue"
    r"|Close|Way|Row|Hill|Square|Place|Terrace|Gardens)\b\.?)\s*[,\n]\s*"
    r"(?P<city>[A-Z][\w'\u2019-]{1,40}(?:\s[A-Z][\w'\u2019-]{1,40}){0,2})\s*,?\s+"
    r"(?P<code>[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2})\b"
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address and where it stands."""

    found: Found
    street: str
    city: str
    region: str
    postal_code: str

    def as_json(self, text: str) -> dict[str, Any]:
        """Give the address in one line, its parts and its span."""
        return self.found.as_json(text) | {
            "street": self.street,
            "city": self.city,
            "region": self.region,
            "postal_code": self.postal_code,
        }


def find_addresses(text: str) -> list[Address]:
    """Find addresses, in the order of the text; each has at least its street."""
    found: list[Address] = []
    for form in (_BRITISH, _AMERICAN, _GERMAN):
        for match in form.finditer(text):
            address = _address(match)
            span = address.found
            if all(
                span.end <= each.found.start or each.found.end <= span.start
                for each in found
            ):
                found.append(address)
    return sorted(found, key=lambda address: address.found.start)


def _address(match: re.Match[str]) -> Address:
    groups = match.groupdict()
    street, city, region, code = (
        " ".join((groups.get(name) or "").split()).rstrip(",")
        for name in ("street", "city", "region", "code")
    )
    line = ", ".join(
        part for part in (street, city, f"{region} {code}".strip()) if part
    )
    return Address(Found(line, match.start(), match.end()), street, city, region, code)
