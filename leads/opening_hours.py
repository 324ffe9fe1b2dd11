"""Read a business's opening hours from its structured data. Pure."""

from __future__ import annotations

import re
from typing import Any

from leads.pages import storable

_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_DAY = re.compile(r"(?:.*[/#])?(mo|tu|we|th|fr|sa|su)[a-z]*", re.IGNORECASE | re.DOTALL)
_TIME = re.compile(r"(?:.*T)?(\d{1,2}):(\d{2})")
_MAX = 30


def opening_hours(node: dict[str, Any]) -> list[str]:
    """Give the hours of a business object as lines like `Mo 09:00-17:30`.

    Read from `openingHoursSpecification` and from `openingHours`; special dates are
    left out. A day without hours, or from 00:00 to 00:00, is `Su closed`.
    """
    lines: list[str] = []
    for spec in _listed(node.get("openingHoursSpecification")):
        if isinstance(spec, dict) and not spec.get("validFrom"):
            lines += _specified(spec)
    for text in _listed(node.get("openingHours")):
        if isinstance(text, str):
            lines.append(re.sub(r"\s+", " ", storable(text)).strip()[:100])
    return list(dict.fromkeys(line for line in lines if line))[:_MAX]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _specified(spec: dict[str, Any]) -> list[str]:
    days = [_day(day) for day in _listed(spec.get("dayOfWeek"))]
    opens, closes = _time(spec.get("opens")), _time(spec.get("closes"))
    is_closed = not opens or not closes or opens == closes == "00:00"
    hours = "closed" if is_closed else f"{opens}-{closes}"
    return [f"{day} {hours}" for day in _DAYS if day in days]


def _day(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("@id")
    found = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1].capitalize() if found else ""


def _time(value: Any) -> str:
    found = _TIME.match(value.strip()) if isinstance(value, str) else None
    return f"{int(found[1]):02d}:{found[2]}" if found else ""
