"""Google's Places API (New) as its documentation describes it, over a made-up town.

It is as strict as the real one where leads depend on it: field masks, pages that repeat
their search, at most 60 results, typed errors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from tests.leads.web import Reply

KEY = "key-that-must-never-be-logged"
_MOST, _PAGE = 60, 20


def place(
    number: int, latitude: float, longitude: float, **more: Any
) -> dict[str, Any]:
    """One place with everything that the details can ask for."""
    return {
        "id": f"ChIJ{number:08d}",
        "displayName": {"text": f"Plumber {number}", "languageCode": "en"},
        "primaryType": "plumber",
        "primaryTypeDisplayName": {"text": "Plumber"},
        "businessStatus": "OPERATIONAL",
        "postalAddress": {
            "regionCode": "US",
            "administrativeArea": "CA",
            "locality": f"Town {number}",
            "postalCode": "94901",
            "addressLines": [f"{number + 1} Mill Street"],
        },
        "location": {"latitude": latitude, "longitude": longitude},
        "googleMapsUri": f"https://maps.google.com/?cid={number + 1}",
        "internationalPhoneNumber": f"+1 707-555-{number % 10_000:04d}",
        "websiteUri": f"https://plumber-{number}.example/?utm_source=gmb",
        "rating": 4.5,
    } | more


@dataclass
class PlacesApi:
    """The service; put it into `Web.services`."""

    places: list[dict[str, Any]]
    viewport: dict[str, Any] | None = None
    #: Status and message to answer the next requests with.
    errors: list[tuple[int, str, str]] = field(default_factory=list)
    searches: list[dict[str, Any]] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    masks: set[str] = field(default_factory=set)

    def __call__(self, method: str, path: str, headers: Message, body: bytes) -> Reply:
        mask = headers.get("X-Goog-FieldMask", "")
        self.masks.add(mask)
        if headers.get("X-Goog-Api-Key") != KEY:
            return error(403, "PERMISSION_DENIED", "No key.")
        if not mask or " " in mask or "*" in mask:
            return error(400, "INVALID_ARGUMENT", "FieldMask is a required parameter.")
        if self.errors:
            return error(*self.errors.pop(0))
        if (method, path) == ("POST", "/v1/places:searchText"):
            return self._search(json.loads(body), mask.split(","))
        return self._details(path.removeprefix("/v1/places/"), mask.split(","))

    def _search(self, asked: dict[str, Any], mask: list[str]) -> Reply:
        self.searches.append(asked)
        if asked.get("includePureServiceAreaBusinesses") is not True:
            return error(400, "INVALID_ARGUMENT", "The test wants plumbers.")
        start, token = 0, asked.pop("pageToken", "")
        if token:
            start, first = json.loads(token)
            if first != asked:
                return error(400, "INVALID_ARGUMENT", "Parameters differ from page 1.")
        if "places.viewport" in mask:
            found = [{"id": "town", "viewport": self.viewport}] if self.viewport else []
            return _json({"places": found} if found else {})
        found = [each for each in self.places if _is_in(each, asked)][:_MOST]
        answer: dict[str, Any] = {}
        page = found[start : start + asked["pageSize"]]
        if page:
            answer["places"] = [_masked(each, mask, "places.") for each in page]
        if start + _PAGE < len(found) and "nextPageToken" in mask:
            answer["nextPageToken"] = json.dumps([start + _PAGE, asked])
        return _json(answer)

    def _details(self, key: str, mask: list[str]) -> Reply:
        self.details.append(key)
        found = next((each for each in self.places if each["id"] == key), None)
        if found is None:
            return error(404, "NOT_FOUND", "The Place ID is no longer valid.")
        return _json(_masked(found, mask, ""))


def error(code: int, status: str, message: str) -> Reply:
    told = {"error": {"code": code, "message": message, "status": status}}
    return Reply(json.dumps(told), status=code, content_type="application/json")


def _json(answer: dict[str, Any]) -> Reply:
    return Reply(json.dumps(answer), content_type="application/json; charset=UTF-8")


def _masked(each: dict[str, Any], mask: list[str], prefix: str) -> dict[str, Any]:
    return {name: value for name, value in each.items() if prefix + name in mask}


def _is_in(each: dict[str, Any], asked: dict[str, Any]) -> bool:
    if "locationRestriction" not in asked:
        return True
    low, high = (
        asked["locationRestriction"]["rectangle"][end] for end in ("low", "high")
    )
    where = each.get("location")
    if where is None:
        return True
    is_in: bool = (
        low["latitude"] <= where["latitude"] < high["latitude"]
        and low["longitude"] <= where["longitude"] < high["longitude"]
    )
    return is_in
