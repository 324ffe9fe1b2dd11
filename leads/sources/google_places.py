"""The source Google Maps, by its Places API (New): what is asked and what it means. Pure.

Places are searched by id alone, the cheapest question; details, which are billed
highest for telephone and website, are asked once for each new id. A search gives at
most 60 places, so an area that has more is cut into smaller rectangles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from leads.outcomes import Outcome
from leads.records import Value
from leads.structured import coordinates

NAME = "google_maps"
#: What the terms want shown beside every value.
ATTRIBUTION = "Google Maps"
PAGE_SIZE = 20
#: Places that all pages of one search give at most.
MOST_PER_SEARCH = 60
#: Exact, without blanks: a missing mask is an error, and without nextPageToken in it
#: no answer ever has one.
SEARCH_MASK = "places.id,places.attributions,nextPageToken"
AREA_MASK = "places.id,places.viewport"
DETAILS_MASK = ",".join(
    (
        *("id", "attributions", "displayName", "primaryTypeDisplayName", "primaryType"),
        *("businessStatus", "postalAddress", "addressComponents", "formattedAddress"),
        *("location", "googleMapsUri", "pureServiceAreaBusiness"),
        *("internationalPhoneNumber", "nationalPhoneNumber", "websiteUri"),
    )
)
#: Degrees (about 100 m) below which a rectangle is cut no further.
_SMALLEST = 0.001
_CLOSED = "CLOSED_PERMANENTLY"
#: What the answer to a search may have at its top.
_KNOWN_KEYS = frozenset(
    "places nextPageToken searchUri routingSummaries contextualContents".split()
)


class Area(NamedTuple):
    """A rectangle in degrees; its west may lie east of its east, across 180°."""

    south: float
    west: float
    north: float
    east: float

    @property
    def width(self) -> float:
        """Degrees from west to east; equal ones are the whole circle."""
        return (self.east - self.west) % 360 or 360.0

    def is_smallest(self) -> bool:
        """Say whether it is too small to be cut."""
        return max(self.north - self.south, self.width) <= _SMALLEST

    def halves(self) -> tuple[Area, Area]:
        """Cut across the longer side; together they are this one."""
        if self.width > self.north - self.south:
            middle = (self.west + self.width / 2 + 180) % 360 - 180
            return self._replace(east=middle), self._replace(west=middle)
        middle = (self.south + self.north) / 2
        return self._replace(north=middle), self._replace(south=middle)

    def as_json(self) -> dict[str, Any]:
        """Give the rectangle as the API writes it."""
        return {
            "rectangle": {
                "low": {"latitude": self.south, "longitude": self.west},
                "high": {"latitude": self.north, "longitude": self.east},
            }
        }


def read_area(text: str) -> Area | None:
    """Read `south,west,north,east`; None for anything else."""
    try:
        area = Area(*(float(part) for part in text.split(",")))
    except (TypeError, ValueError):
        return None
    is_place = -90 <= area.south < area.north <= 90 and all(
        -180 <= longitude <= 180 for longitude in (area.west, area.east)
    )
    return area if is_place else None


def search_body(query: str, area: Area | None, page_token: str = "") -> bytes:
    """Give the body of a search; a next page repeats all of it beside its token."""
    body: dict[str, Any] = {
        "textQuery": query,
        "pageSize": PAGE_SIZE,
        # Plumbers and others without an address would be left out otherwise.
        "includePureServiceAreaBusinesses": True,
    }
    if area is not None:
        body["locationRestriction"] = area.as_json()
    if page_token:
        body["pageToken"] = page_token
    return json.dumps(body).encode()


@dataclass(frozen=True)
class Found:
    """What one answer holds."""

    outcome: Outcome
    reason: str = ""
    #: Place ids with whom the terms want named beside Google, in the answer's order.
    places: dict[str, str] = field(default_factory=dict)
    next_page_token: str = ""
    area: Area | None = None


def read_search(text: str) -> Found:
    """Read the answer to a search; never raises."""
    answer = answer_of(text)
    if answer is None:
        return Found(Outcome.MARKUP_CHANGED, "The answer is not the API's JSON object.")
    if "error" in answer:
        return Found(*read_error(answer))
    if answer and not answer.keys() & _KNOWN_KEYS:
        told = "The answer has nothing of what the Places API (New) answers."
        return Found(Outcome.MARKUP_CHANGED, told)
    listed = answer.get("places", [])
    if not isinstance(listed, list):
        return Found(Outcome.MARKUP_CHANGED, "The answer's `places` are no list.")
    found = [each for each in listed if isinstance(each, dict) and _id(each)]
    token = answer.get("nextPageToken")
    if listed and not found:
        return Found(Outcome.MARKUP_CHANGED, "None of the answer's places has an id.")
    return Found(
        Outcome.OK if found else Outcome.EMPTY,
        "" if found else "Google knows no such place there.",
        {_id(each): attribution(each) for each in found},
        token if isinstance(token, str) else "",
        _viewport(found[0]) if found else None,
    )


def answer_of(text: str) -> dict[str, Any] | None:
    """Give the object of an answer, None for anything else; errors may come in a list."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    return answer if isinstance(answer, dict) else None


def _id(place: Mapping[str, Any]) -> str:
    value = place.get("id")
    return value[:180] if isinstance(value, str) else ""


def _viewport(place: Mapping[str, Any]) -> Area | None:
    try:
        low, high = place["viewport"]["low"], place["viewport"]["high"]
        corners = (low["latitude"], low["longitude"], high["latitude"])
        return read_area(",".join(map(str, (*corners, high["longitude"]))))
    except (KeyError, TypeError):
        return None


def attribution(place: Mapping[str, Any]) -> str:
    """Name whom the terms want named: Google Maps, then its providers of data."""
    given = place.get("attributions")
    providers = [
        str(each["provider"])
        for each in (given if isinstance(given, list) else [])
        if isinstance(each, dict) and each.get("provider")
    ]
    return ", ".join(dict.fromkeys([ATTRIBUTION, *providers]))[:300]


#: What becomes of a question in each of Google's states.
_ERRORS = {
    "INVALID_ARGUMENT": (Outcome.ERROR, "Google can't use the question"),
    "PERMISSION_DENIED": (Outcome.BLOCKED, "Google refuses the key"),
    "UNAUTHENTICATED": (Outcome.BLOCKED, "Google refuses the key"),
    "RESOURCE_EXHAUSTED": (Outcome.RATE_LIMITED, "The quota of the key is used up"),
    "NOT_FOUND": (Outcome.EMPTY, "Google knows no such place any more"),
    "UNAVAILABLE": (Outcome.RATE_LIMITED, "Google can't answer now"),
}


def read_error(answer: Mapping[str, Any]) -> tuple[Outcome, str]:
    """Say what an error means: outcome and reason."""
    error = answer.get("error")
    error = error if isinstance(error, dict) else {}
    status, said = str(error.get("status", "")), str(error.get("message", ""))
    outcome, what = _ERRORS.get(
        status, (Outcome.ERROR, "Google answered with an error")
    )
    if status == "INVALID_ARGUMENT" and "api key" in said.lower():
        outcome, what = Outcome.BLOCKED, "Google refuses the key"
    return (
        outcome,
        f"{what} ({status or 'no status'}): {said[:300] or 'it says no more.'}",
    )


@dataclass(frozen=True)
class Details:
    """What the details of one place say; `values` are there when the outcome is ok."""

    outcome: Outcome
    reason: str = ""
    key: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    url: str = ""
    region: str = "US"
    attribution: str = ATTRIBUTION


def read_details(text: str) -> Details:
    """Read the answer to a question for one place; never raises."""
    answer = answer_of(text)
    if answer is None:
        reason = "The answer is not the API's JSON object."
        return Details(Outcome.MARKUP_CHANGED, reason)
    if "error" in answer:
        return Details(*read_error(answer))
    return read_place(answer)


def read_place(place: Mapping[str, Any]) -> Details:
    """Read one place object of an answer."""
    key, name = _id(place), _text(place.get("displayName"))
    if not key or not name:
        return Details(Outcome.MARKUP_CHANGED, "The place has no id or no name.", key)
    if place.get("businessStatus") == _CLOSED:
        return Details(Outcome.EMPTY, f"{name} has closed for good.", key)
    parts = _parts(place)
    values: dict[str, Value] = {
        "name": name[:200],
        "category": (
            _text(place.get("primaryTypeDisplayName"))
            or _text(place.get("primaryType")).replace("_", " ")
        ).lower()[:100],
        "website": _text(place.get("websiteUri")),
        "phone": _text(place.get("internationalPhoneNumber"))
        or _text(place.get("nationalPhoneNumber")),
        **parts,
        **_location(place.get("location")),
    }
    region = str(parts["country"]) or "US"
    url = _text(place.get("googleMapsUri"))
    return Details(Outcome.OK, "", key, values, url, region, attribution(place))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("text")
    return value.strip() if isinstance(value, str) else ""


def _parts(place: Mapping[str, Any]) -> dict[str, Value]:
    """Give the parts of the address, from its postal form or from its components."""
    postal = place.get("postalAddress")
    if isinstance(postal, dict):
        lines = postal.get("addressLines")
        return {
            "street": _text(lines[0] if isinstance(lines, list) and lines else ""),
            "city": _text(postal.get("locality")),
            "region": _text(postal.get("administrativeArea")),
            "postal_code": _text(postal.get("postalCode")),
            "country": _text(postal.get("regionCode")),
        }
    given = place.get("addressComponents")
    named: dict[str, tuple[str, str]] = {}
    for each in given if isinstance(given, list) else []:
        types = each.get("types") if isinstance(each, dict) else None
        for kind in types if isinstance(types, list) else []:
            said = _text(each.get("longText")), _text(each.get("shortText"))
            named.setdefault(str(kind), said)
    long, short = (
        {kind: said[place] for kind, said in named.items()} for place in (0, 1)
    )
    street = f"{long.get('street_number', '')} {long.get('route', '')}".strip()
    return {
        "street": street,
        "city": long.get("locality") or long.get("postal_town", ""),
        "region": short.get("administrative_area_level_1", ""),
        "postal_code": long.get("postal_code", ""),
        "country": short.get("country", ""),
    }


def _location(value: Any) -> dict[str, float]:
    try:
        return coordinates(float(value["latitude"]), float(value["longitude"]))
    except (KeyError, TypeError, ValueError):
        return {}
