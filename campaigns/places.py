"""In which country and time zone a business is, by what is known of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException

#: Names by which sources call the countries whose law or size matters here.
_NAMES = {
    "AT": "austria österreich", "AU": "australia", "BE": "belgium belgique belgië belgien",
    "BG": "bulgaria", "CA": "canada", "CH": "switzerland schweiz suisse svizzera",
    "CY": "cyprus", "CZ": "czechia česko", "DE": "germany deutschland allemagne",
    "DK": "denmark danmark", "EE": "estonia eesti", "ES": "spain españa",
    "FI": "finland suomi", "FR": "france frankreich",
    "GB": "uk u.k. britain england scotland wales", "GR": "greece",
    "HR": "croatia hrvatska", "HU": "hungary magyarország", "IE": "ireland éire",
    "IN": "india", "IS": "iceland ísland", "IT": "italy italia", "JP": "japan",
    "LI": "liechtenstein", "LT": "lithuania lietuva", "LU": "luxembourg luxemburg",
    "LV": "latvia latvija", "MT": "malta", "MX": "mexico méxico",
    "NL": "netherlands nederland", "NO": "norway norge", "PL": "poland polska",
    "PT": "portugal", "RO": "romania românia", "SE": "sweden sverige",
    "SI": "slovenia slovenija", "SK": "slovakia slovensko", "US": "usa u.s. u.s.a.",
}  # fmt: skip
_CODES = {name: code for code, names in _NAMES.items() for name in names.split()} | {
    "united kingdom": "GB",
    "great britain": "GB",
    "northern ireland": "GB",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "united states": "US",
    "united states of america": "US",
    "new zealand": "NZ",
    "south africa": "ZA",
}
#: Endings of domains that businesses of the country use and hardly anybody else does.
_ENDINGS = {
    "at": "AT", "be": "BE", "bg": "BG", "ch": "CH", "cz": "CZ", "de": "DE", "dk": "DK",
    "ee": "EE", "es": "ES", "fi": "FI", "fr": "FR", "gr": "GR", "hr": "HR", "hu": "HU",
    "ie": "IE", "it": "IT", "lt": "LT", "lu": "LU", "lv": "LV", "nl": "NL", "no": "NO",
    "pl": "PL", "pt": "PT", "ro": "RO", "se": "SE", "si": "SI", "sk": "SK", "uk": "GB",
}  # fmt: skip

#: Countries that have one time zone, or nearly all of whose businesses are in one.
_ONE_ZONE = {
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia",
    "CH": "Europe/Zurich", "CY": "Asia/Nicosia", "CZ": "Europe/Prague",
    "DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn",
    "ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris",
    "GB": "Europe/London", "GR": "Europe/Athens", "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IN": "Asia/Kolkata",
    "IS": "Atlantic/Reykjavik", "IT": "Europe/Rome", "JP": "Asia/Tokyo",
    "LI": "Europe/Vaduz", "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga", "MT": "Europe/Malta", "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo", "NZ": "Pacific/Auckland", "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon", "RO": "Europe/Bucharest", "SE": "Europe/Stockholm",
    "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava", "ZA": "Africa/Johannesburg",
}  # fmt: skip


def country_of(country: str, *, phone: str = "", website: str = "") -> str:
    """Give a business's country as an ISO 3166 code; blank when nothing tells it.

    What is written goes before the telephone number (E.164), that before the website.
    """
    name = country.strip().casefold()
    if len(name) == 2 and name.isalpha():
        return "GB" if name == "uk" else name.upper()
    if name in _CODES:
        return _CODES[name]
    if phone and (region := _region_of(phone)):
        return region
    host = website.partition("//")[2].partition("/")[0].partition(":")[0]
    return _ENDINGS.get(host.rpartition(".")[2].casefold(), "")


#: Of "+1", whose 25 countries share their numbers: the area, its exchange, the rest.
_NORTH_AMERICAN = re.compile(r"\+1([2-9]\d{5})\d{4}")


def _region_of(phone: str) -> str:
    if found := _NORTH_AMERICAN.fullmatch(phone):
        return _region_of_exchange(found[1])
    try:
        number = phonenumbers.parse(phone, None)
    except NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(number) or ""


@lru_cache(maxsize=16_384)
def _region_of_exchange(digits: str) -> str:
    """Give the country of a North American exchange: its 10,000 numbers lie in one.

    Freezing an audience asks for each of its leads, and parsing took a third of that.
    """
    number = phonenumbers.PhoneNumber(
        country_code=1, national_number=int(digits) * 10**4
    )
    return phonenumbers.region_code_for_number(number) or ""


def zone_of(
    *,
    latitude: float | None,
    longitude: float | None,
    phone: str = "",
    country: str = "",
) -> str:
    """Give a business's time zone as an IANA name; blank when nothing tells it.

    The place on the map goes before the telephone number (E.164), whose area often names
    one zone, that before a country (ISO 3166) that has only one. The map's borders are
    simplified: a business close to one may get the neighbour's clock.
    """
    if latitude is not None and longitude is not None:
        # Where it is needed: its map takes 35 MB.
        from tzfpy import get_tz

        if name := get_tz(longitude, latitude):
            return str(name)
    if phone and (name := _zone_of_phone(phone)):
        return name
    return _ONE_ZONE.get(country, "")


def zone_of_lead(lead: Mapping[str, Any]) -> str:
    """Give the time zone of a lead with these fields; blank when nothing tells it."""
    return zone_of(
        latitude=lead["latitude"],
        longitude=lead["longitude"],
        phone=lead["phone"],
        country=country_of(
            lead["country"], phone=lead["phone"], website=lead["website"]
        ),
    )


def _zone_of_phone(phone: str) -> str:
    # Where it is needed: its table of areas is large.
    from phonenumbers import timezone

    try:
        number = phonenumbers.parse(phone, None)
    except NumberParseException:
        return ""
    zones = timezone.time_zones_for_number(number)
    return zones[0] if len(zones) == 1 and "/" in zones[0] else ""
