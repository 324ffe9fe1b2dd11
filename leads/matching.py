"""What makes two records the same business, exactly. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from w3lib.url import url_query_cleaner

from fliptech_site.addresses import AddressRefused, parse_target
from leads.contacts import to_e164
from leads.linking.streets import parse_street

#: Platforms where many businesses live under one host: there the path counts too.
_SHARED_HOSTS = frozenset(
    {"facebook.com", "instagram.com", "linkedin.com", "x.com", "twitter.com"}
    | {"tiktok.com", "youtube.com", "yelp.com", "linktr.ee", "sites.google.com"}
    | {"google.com", "maps.google.com", "g.page", "nextdoor.com", "etsy.com"}
    | {"business.site", "wixsite.com", "godaddysites.com", "booksy.com", "vagaro.com"}
    | {"thumbtack.com", "angi.com", "homeadvisor.com", "craigslist.org", "bbb.org"}
    | {"tripadvisor.com", "opentable.com", "doordash.com", "ubereats.com", "t.me"}
)
#: facebook.com/profile.php?id=… and maps.google.com/maps?cid=…
_PROFILE_NUMBER = re.compile(r"(?<![a-z])c?id=[\w.-]+", re.IGNORECASE)
_TRACKING = (
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
    *("fbclid", "gclid", "msclkid", "mc_cid", "mc_eid", "igshid"),
)
#: Legal forms that come and go in the spelling of one business's name.
_LEGAL_FORMS = frozenset(
    {"inc", "llc", "ltd", "co", "corp", "gmbh", "llp", "pllc", "the"}
)


class MatchKey(NamedTuple):
    """One thing by which a lead is recognised; `kind` is a `LeadKey.Kind` value."""

    kind: str
    value: str


def website_key(url: str) -> str:
    """Give what identifies a website: its host, on shared platforms also the path.

    Empty for what is no web address.
    """
    try:
        target = parse_target(url)
    except AddressRefused:
        return ""
    host = re.sub(r"^(www|m)\.", "", target.host)
    # Ports matter on development hosts only; 80 and 443 are one site.
    if target.port not in (80, 443):
        host = f"{host}:{target.port}"
    if host in _SHARED_HOSTS:
        split = urlsplit(url.strip())
        path = split.path.strip("/").lower()
        number = _PROFILE_NUMBER.search(split.query)
        return f"{host}/{path}{'?' + number[0] if number else ''}"[:400] if path else ""
    return host[:400]


def tidy_url(url: str) -> str:
    """Drop the fragment and what only tracks clicks from an address."""
    kept = url_query_cleaner(url, _TRACKING, remove=True, unique=False)
    return kept.partition("#")[0].rstrip("?")


def is_shared_platform(url: str) -> bool:
    """Say whether a website is a page on somebody else's platform."""
    try:
        host = re.sub(r"^(www|m)\.", "", parse_target(url).host)
    except AddressRefused:
        return False
    return any(
        host == shared or host.endswith("." + shared) for shared in _SHARED_HOSTS
    )


def normalise_name(name: str) -> str:
    """Reduce a name to what is compared: no case, accents, signs or legal forms."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    # An apostrophe, straight or curly, joins ("Rosa's"); every other sign separates.
    words = re.sub(r"[^\w\s]|_", " ", re.sub("['`\u2019\u00b4]", "", plain)).split()
    kept = [word for word in words if word not in _LEGAL_FORMS]
    return " ".join(kept or words)


def match_keys(
    values: Mapping[str, Any], *, listing_key: str = "", region: str = "US"
) -> list[MatchKey]:
    """Give the keys of a lead or record, sorted, so that locks are taken in one order."""
    keys = set()
    if site := website_key(str(values.get("website") or "")):
        keys.add(MatchKey("website", site))
    if phone := to_e164(str(values.get("phone") or ""), region=region):
        keys.add(MatchKey("phone", phone))
    name = normalise_name(str(values.get("name") or ""))
    city = normalise_name(str(values.get("city") or ""))
    if name and city:
        # Branches of a chain have one name in one city: the house tells them apart.
        street, _ = parse_street(str(values.get("street") or ""))
        house = f"|{street.number} {' '.join(street.words)}" if street.number else ""
        keys.add(MatchKey("name_city", f"{name}|{city}{house}"[:400]))
    if listing_key:
        keys.add(MatchKey("listing", listing_key[:400]))
    return sorted(keys)
