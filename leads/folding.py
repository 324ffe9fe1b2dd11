"""Make a lead's fields out of what several sources say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

#: Who is believed before whom: a person, the business itself, a list, an advert.
PRIORITIES = {
    "person": 40,
    "website": 30,
    "import": 20,
    "google_maps": 15,
    "job_boards": 12,
    "linkedin": 11,
    "craigslist": 10,
}
#: A headline that stands in for a name, believed only when nobody says the name.
FALLBACK = "headline"
_NUMBERS = frozenset({"latitude", "longitude"})


class Fact(NamedTuple):
    """One value of one field with its source."""

    field: str
    value: str
    source: str
    fetched_at: datetime


def fold(facts: Iterable[Fact]) -> dict[str, str | float | None]:
    """Give each field the value of its most credible source, the newest among equals."""
    best: dict[str, Fact] = {}
    for fact in facts:
        current = best.get(fact.field)
        if current is None or _weight(fact) >= _weight(current):
            best[fact.field] = fact
    return {name: _typed(fact) for name, fact in best.items()}


def _weight(fact: Fact) -> tuple[int, datetime]:
    return -1 if fact.source == FALLBACK else PRIORITIES.get(
        fact.source, 0
    ), fact.fetched_at


def _typed(fact: Fact) -> str | float | None:
    if fact.field not in _NUMBERS:
        return fact.value
    return float(fact.value) if fact.value else None
