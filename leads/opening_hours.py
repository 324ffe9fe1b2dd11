"""Read a business's opening hours from its structured data. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from leads.pages import storable

_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_DAY = re.compile(r"(?:.*[/#])?(mo|tu|we|th|fr|sa|su)[a-z]*", re.IGNORECASE | re.DOTALL)
_TIME = re.compile(
    r"(?:.*T)?(\d{1,2})(?::(\d{2}))?(?::\d{2})?\s*([ap])?", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
#: A longer time than this is a season, which may be all of the year; what is shorter
#: are holidays.
_HOLIDAYS_DAYS = 30
_MAX = 30


def opening_hours(node: dict[str, Any]) -> list[str]:
    """Give the hours of a business object as lines like `Mo 09:00-17:30`.

    Read from `openingHoursSpecification` and from `openingHours`; hours of some days of
    the year are left out. A day without hours, or from 00:00 to 00:00, is `Su closed`, the
    whole day `Su 00:00-24:00`; `Sa 18:00-02:00` goes on until Sunday.
    """
    lines: list[str] = []
    for spec in _listed(node.get("openingHoursSpecification")):
        if isinstance(spec, dict) and not _is_of_holidays(spec):
            lines += _specified(spec)
    for text in _listed(node.get("openingHours")):
        if isinstance(text, str):
            lines.append(re.sub(r"\s+", " ", storable(text)).strip()[:100])
    return list(dict.fromkeys(line for line in lines if line))[:_MAX]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_of_holidays(spec: dict[str, Any]) -> bool:
    first, last = _date(spec.get("validFrom")), _date(spec.get("validThrough"))
    return bool(first and last and (last - first).days <= _HOLIDAYS_DAYS)


def _date(value: Any) -> date | None:
    found = _DATE.match(value.strip()) if isinstance(value, str) else None
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def _specified(spec: dict[str, Any]) -> list[str]:
    days = {day for named in _listed(spec.get("dayOfWeek")) for day in _days(named)}
    opens, closes = _time(spec.get("opens")), _time(spec.get("closes"))
    if bool(opens) != bool(closes):
        return []  # Half of a statement says neither hours nor that it is closed.
    hours = f"{opens}-{'24:00' if closes == '23:59' else closes}"
    if not opens or opens == closes == "00:00":
        hours = "closed"
    return [f"{day} {hours}" for day in _DAYS if day in days]


def _days(value: Any) -> list[str]:
    """Give the days that a value names: `Monday`, an address of one, `Mo-Fr`."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("@id")
    if not isinstance(value, str):
        return []
    days: list[str] = []
    for part in value[:200].split(","):
        if day := _day(part):
            days.append(day)
            continue
        ends = [_day(end) for end in re.split(r"\s*[-\u2013]\s*", part.strip())]
        if len(ends) == 2 and all(ends):
            first, last = (_DAYS.index(end) for end in ends)
            span = (last - first) % 7 + 1
            days += [_DAYS[(first + step) % 7] for step in range(span)]
    return days


def _day(text: str) -> str:
    found = _DAY.fullmatch(text.strip())
    return found[1].capitalize() if found else ""


def _time(value: Any) -> str:
    """Give a time of day as `17:30`, from `17:30:00`, `5:30 PM` and with a date before."""
    found = _TIME.match(value.strip()) if isinstance(value, str) else None
    if not found or not (found[2] or found[3]):
        return ""
    hour, half = int(found[1]), (found[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02d}:{found[2] or '00'}" if hour <= 24 else ""
