"""In which country and time zone a business is, by what is known of it. Pure."""

from __future__ import annotations

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


def _region_of(phone: str) -> str:
    try:
        number = phonenumbers.parse(phone, None)
    except NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(number) or ""
