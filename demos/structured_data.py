"""The schema.org description of a business, as it stands inside a page."""

from __future__ import annotations

import json
import math
from typing import Any

from demos.facts import Facts, Hours, clean, read_hours, read_phone
from demos.trades import Trade

_DAYS = {
    "Mo": "Monday",
    "Tu": "Tuesday",
    "We": "Wednesday",
    "Th": "Thursday",
    "Fr": "Friday",
    "Sa": "Saturday",
    "Su": "Sunday",
}
#: What could end a script element or begin a comment in it; HTML Standard 4.12.1.3.
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


def describe_business(facts: Facts, trade: Trade) -> dict[str, Any]:
    """Return the JSON-LD of a business: facts only, so no offers and no ratings."""
    phone = read_phone(facts.phone)
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": trade.schema,
        "name": clean(facts.name, 200),
        "telephone": phone.link if phone else "",
        "address": _address(facts),
        "geo": _geo(facts),
        "areaServed": clean(facts.city, 60),
        "openingHoursSpecification": [_opening(h) for h in read_hours(facts.hours)],
    }
    return {key: value for key, value in found.items() if value}


def as_script_text(description: dict[str, Any]) -> str:
    """Return JSON that can't end the script element it stands in."""
    return json.dumps(description, ensure_ascii=True).translate(_ESCAPES)


def days_of(days: str) -> list[str]:
    """Spell out schema.org days: "Mo-We,Fr" becomes four English names."""
    names = list(_DAYS)
    found: list[str] = []
    for part in days.split(","):
        first, _, last = part.partition("-")
        start, end = names.index(first), names.index(last or first)
        # Su-Tu runs over the end of the week.
        length = (end - start) % len(names) + 1
        found += [_DAYS[names[(start + i) % len(names)]] for i in range(length)]
    return found


def _address(facts: Facts) -> dict[str, str]:
    parts = {
        "streetAddress": clean(facts.street, 120),
        "addressLocality": clean(facts.city, 60),
        "addressRegion": clean(facts.region, 40),
        "postalCode": clean(facts.postal_code, 20),
        "addressCountry": clean(facts.country, 60),
    }
    known = {key: value for key, value in parts.items() if value}
    return {"@type": "PostalAddress", **known} if known else {}


def _geo(facts: Facts) -> dict[str, Any]:
    if facts.latitude is None or facts.longitude is None:
        return {}
    # JSON knows neither NaN nor infinity, and floats from elsewhere may be both.
    if not (math.isfinite(facts.latitude) and math.isfinite(facts.longitude)):
        return {}
    return {
        "@type": "GeoCoordinates",
        "latitude": round(facts.latitude, 5),
        "longitude": round(facts.longitude, 5),
    }


def _opening(hours: Hours) -> dict[str, Any]:
    return {
        "@type": "OpeningHoursSpecification",
        "dayOfWeek": days_of(hours.days),
        "opens": hours.opens,
        "closes": hours.closes,
    }
