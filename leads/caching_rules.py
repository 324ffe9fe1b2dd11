"""Which answers may be kept and for how long they are fresh (RFC 9111). Pure.

We are a private cache: one agent, no shared users, so `private` and `s-maxage` do not
concern us.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: The longest time that we call an answer fresh, whatever the host says.
_LONGEST = timedelta(hours=24)
#: Without any word of the host: a tenth of the page's age (RFC 9111, 4.2.2), at most.
_HEURISTIC_SHARE, _HEURISTIC_LONGEST = 0.1, timedelta(hours=1)
_DIRECTIVE = re.compile(r'([a-z-]+)(?:\s*=\s*("[^"]*"|[^\s,]+))?', re.IGNORECASE)
#: Headers kept with an answer: what its reading and its reuse need.
KEPT_HEADERS = (
    "content-type",
    "etag",
    "last-modified",
    "date",
    "age",
    "expires",
    "cache-control",
    "vary",
    "content-language",
)


@dataclass(frozen=True)
class Freshness:
    """What the headers of an answer allow."""

    may_store: bool
    #: How long the answer may be used without asking, from now on.
    lifetime: timedelta = timedelta()


def freshness(headers: Mapping[str, str], *, status: int, now: datetime) -> Freshness:
    """Judge an answer; names of headers are in lower case.

    Only whole pages of status 200 are kept, and only when they can be confirmed later
    or are fresh for a while.
    """
    told = directives(headers.get("cache-control", ""))
    if status != 200 or "no-store" in told or headers.get("vary", "").strip() == "*":
        return Freshness(may_store=False)
    if "no-cache" in told or "no-cache" in headers.get("pragma", "").lower():
        lifetime = timedelta()
    else:
        lifetime = min(max(_lifetime(headers, told, now), timedelta()), _LONGEST)
    has_validator = bool(headers.get("etag") or headers.get("last-modified"))
    return Freshness(has_validator or lifetime > timedelta(), lifetime)


def directives(cache_control: str) -> dict[str, str]:
    """Read a Cache-Control header: names in lower case, the first of each counts."""
    found: dict[str, str] = {}
    for name, value in _DIRECTIVE.findall(cache_control):
        found.setdefault(name.lower(), value.strip('"'))
    return found


def _lifetime(
    headers: Mapping[str, str], told: Mapping[str, str], now: datetime
) -> timedelta:
    date = http_date(headers.get("date")) or now
    age = max(_seconds(headers.get("age")), max(now - date, timedelta()))
    if "max-age" in told:
        return _seconds(told["max-age"]) - age
    if "expires" in headers:
        # "0" and other nonsense mean that it is over already (RFC 9111, 5.3).
        expires = http_date(headers["expires"])
        return expires - date - age if expires else timedelta()
    changed = http_date(headers.get("last-modified"))
    if changed is None or changed > date:
        return timedelta()
    return min((date - changed) * _HEURISTIC_SHARE, _HEURISTIC_LONGEST) - age


def _seconds(text: str | None) -> timedelta:
    found = re.fullmatch(r"\s*(\d{1,9})\s*", text or "")
    return timedelta(seconds=int(found[1])) if found else timedelta()


def http_date(text: str | None) -> datetime | None:
    """Read a date of HTTP, None for none and for nonsense."""
    try:
        moment = parsedate_to_datetime((text or "").strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def validators(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the request headers that ask whether a stored answer still holds."""
    asked = {
        "If-None-Match": headers.get("etag", ""),
        "If-Modified-Since": headers.get("last-modified", ""),
    }
    return {name: value for name, value in asked.items() if _is_sendable(value)}


def _is_sendable(value: str) -> bool:
    return bool(value) and value.isprintable() and value.isascii() and len(value) < 500
