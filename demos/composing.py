"""Compose a demo site: facts in, one self-contained HTML page out."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from demos.designs import DESIGNS, font_as_base64, icon
from demos.facts import (
    Facts,
    address_of,
    clean,
    own_words,
    place_of,
    read_email,
    read_hours,
    read_phone,
)
from demos.palettes import make_palette
from demos.structured_data import as_script_text, days_of, describe_business
from demos.trades import Trade, choose_trade

#: Tells our own server, once, that the page was visible for two seconds in all.
BEACON = (
    "(function(){var n=0,t=setInterval(function(){"
    "if(document.visibilityState==='visible'&&++n>=4){clearInterval(t);"
    "navigator.sendBeacon('seen')}},500)})()"
)
BEACON_HASH = b64encode(hashlib.sha256(BEACON.encode()).digest()).decode()
#: Icons of the page itself: name in the template, file in `icons/`.
_ICONS = {
    "phone": "phone",
    "mail": "mail",
    "pin": "map-pin",
    "clock": "clock",
    "down": "chevron-down",
}
_MAP = "https://www.openstreetmap.org/search?query="


@dataclass(frozen=True, kw_only=True)
class Page:
    """A finished page; `build` is the SHA-256 of its bytes, hexadecimal."""

    html: bytes
    build: str
    trade: str
    script_hash: str


def compose(facts: Facts) -> Page:
    """Write the page for a business; the same facts always give the same bytes."""
    trade = choose_trade(
        clean(facts.name, 200), clean(facts.category, 100), facts.description
    )
    text = render_to_string("demos/site.html", _context(facts, trade))
    html = "\n".join(line.strip() for line in text.splitlines() if line.strip())
    body = html.encode()
    return Page(
        html=body,
        build=hashlib.sha256(body).hexdigest(),
        trade=trade.key,
        script_hash=BEACON_HASH,
    )


def _context(facts: Facts, trade: Trade) -> dict[str, Any]:
    design = DESIGNS[trade.family]
    return {
        "name": clean(facts.name, 200),
        "short_name": clean(facts.name, 60),
        "initial": _initial(facts.name),
        "trade": trade,
        "design": design,
        "colours": make_palette(
            facts.colour, trade.hue, accent_hue=design.accent_hue, depth=design.depth
        ),
        "font": font_as_base64(design.typeface.file),
        "illustration": f"demos/illustrations/{trade.family}.svg",
        "icons": {key: _safe(icon(name)) for key, name in _ICONS.items()},
        "services": [
            {
                "icon": _safe(icon(service.icon)),
                "title": service.title,
                "text": service.text,
            }
            for service in trade.services
        ],
        "own_words": own_words(facts.description),
        "structured_data": _safe(as_script_text(describe_business(facts, trade))),
        "beacon": _safe(BEACON),
        "sources": [
            {
                "field": clean(source.field, 30),
                "source": clean(source.source, 30),
                "day": clean(source.day, 10),
            }
            for source in facts.sources
        ],
        **_contact(facts),
    }


def _contact(facts: Facts) -> dict[str, Any]:
    address = address_of(facts)
    return {
        "place": place_of(facts),
        "city": clean(facts.city, 60),
        "phone": read_phone(facts.phone),
        "email": read_email(facts.email),
        "address": address,
        "map_link": _MAP + quote(", ".join(address), safe="") if address else "",
        "hours": [
            {
                "days": _shown_days(hours.days),
                "opens": hours.opens,
                "closes": hours.closes,
            }
            for hours in read_hours(facts.hours)
        ],
    }


def _shown_days(days: str) -> str:
    return ", ".join(
        f"{days_of(part)[0]} to {days_of(part)[-1]}"
        if "-" in part
        else days_of(part)[0]
        for part in days.split(",")
    )


def _initial(name: str) -> str:
    letters = (letter for letter in clean(name, 200) if letter.isalnum())
    return next(letters, "•").upper()


def _safe(markup: str) -> SafeString:
    # Only for our own files and for JSON whose <, > and & are written as escapes.
    return mark_safe(markup)  # noqa: S308
