"""Show what a saved answer of the Places API says; for `explain page`. Pure."""

from __future__ import annotations

from typing import Any

from leads.outcomes import Outcome
from leads.sources.base import PageReading
from leads.sources.google_places import (
    Details,
    answer_of,
    attribution,
    read_details,
    read_place,
    read_search,
)


def read_page(text: str, url: str) -> PageReading:
    """Read a saved search or the details of one place; never raises."""
    searched = read_search(text)
    answer = answer_of(text) or {}
    if searched.outcome != Outcome.OK and "id" in answer:
        return _of_details(read_details(text))
    if searched.outcome != Outcome.OK:
        return PageReading(searched.outcome, searched.reason, more={"kind": "search"})
    items = [_item(place) for place in answer["places"] if isinstance(place, dict)]
    more = {
        "kind": "search",
        "attribution": "Google Maps",
        "next_page_token": searched.next_page_token,
    }
    unread = len(answer["places"]) - len(searched.places)
    if unread:
        reason = (
            f"{unread} of {len(answer['places'])} places repeat an id or have none."
        )
        return PageReading(Outcome.PARTIAL, reason, items, more)
    return PageReading(Outcome.OK, "", items, more)


def _item(place: dict[str, Any]) -> dict[str, Any]:
    read = read_place(place)
    if read.values:
        return _as_item(read)
    closed = {"reason": read.reason} if read.outcome == Outcome.EMPTY else {}
    return {"key": read.key, "attribution": attribution(place), **closed}


def _as_item(read: Details) -> dict[str, Any]:
    known = {name: value for name, value in read.values.items() if value}
    return {
        "key": read.key,
        "url": read.url,
        **known,
        "attribution": read.attribution,
    }


def _of_details(read: Details) -> PageReading:
    items = [_as_item(read)] if read.values else []
    return PageReading(read.outcome, read.reason, items, {"kind": "place"})
