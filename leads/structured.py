"""Read a page's JSON-LD, keeping every good block when a sibling is malformed. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from lxml.html import HtmlElement

from leads.pages import storable

#: Nodes looked at on one page; real pages have dozens.
_MAX_NODES = 5_000
_WRAPPING = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*.*?\*/)+", re.DOTALL
)
_WRAPPING_END = re.compile(r"(?:-->|//\s*\]\]>|\]\]>)\s*;?\s*$")
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
#: Types that have a name and perhaps an address, and are not the business itself.
_NOT_A_BUSINESS = frozenset(
    {"Person", "WebSite", "WebPage", "Product", "Offer", "Event", "Review", "Place"}
    | {"JobPosting", "Article", "BlogPosting", "NewsArticle", "PostalAddress"}
    | {"ContactPoint", "ImageObject", "BreadcrumbList", "ListItem", "Service"}
)
_GENERAL_TYPES = frozenset({"Organization", "Corporation", "LocalBusiness", "Thing"})


def read_json_ld(page: HtmlElement) -> list[dict[str, Any]]:
    """Give every JSON-LD object of a page, nested ones too, in document order."""
    nodes: list[dict[str, Any]] = []
    for script in page.xpath("//script[contains(@type, 'ld+json')]"):
        for value in _parse_block(script.text or ""):
            nodes.extend(_walk(value, _MAX_NODES - len(nodes)))
    return nodes


def _parse_block(text: str) -> Iterator[Any]:
    text = _WRAPPING_END.sub("", _WRAPPING.sub("", text)).strip()
    for attempt in (text, html.unescape(text), _TRAILING_COMMA.sub(r"\1", text)):
        values, is_whole = _decode_all(attempt)
        if is_whole:
            yield from values
            return
    # Nothing read it whole: take what stands before the fault, such as one object
    # followed by a brace too many.
    yield from _decode_all(text)[0]


def _decode_all(text: str) -> tuple[list[Any], bool]:
    """Decode the JSON values that stand one after another; say if nothing is left."""
    # strict=False: sites put raw line breaks into their descriptions.
    decoder = json.JSONDecoder(strict=False)
    values: list[Any] = []
    at = 0
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return values, False
        values.append(value)
        while at < len(text) and text[at] in " \t\r\n;,":
            at += 1
    return values, bool(values)


def _walk(value: Any, limit: int) -> Iterator[dict[str, Any]]:
    """Give the objects inside a value, parents first, without recursion."""
    waiting = [value]
    while waiting and limit > 0:
        each = waiting.pop()
        if isinstance(each, dict):
            limit -= 1
            yield each
            waiting.extend(reversed(list(each.values())))
        elif isinstance(each, list):
            waiting.extend(reversed(each))


def types_of(node: dict[str, Any]) -> list[str]:
    """Give the short names of a node's types: `http://schema.org/Dentist` -> Dentist."""
    value = node.get("@type")
    names = value if isinstance(value, list) else [value]
    return [re.split(r"[/#:]", name)[-1] for name in names if isinstance(name, str)]


def text_value(value: Any) -> str:
    """Give the text of a value that may be a string, number, object or list."""
    for _ in range(5):
        if isinstance(value, list):
            value = value[0] if value else None
        elif isinstance(value, dict):
            value = value.get("name") or value.get("@value") or value.get("@id")
        else:
            break
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    # JSON can spell characters that no page can hold, such as NUL.
    return re.sub(r"\s+", " ", storable(html.unescape(str(value)))).strip()


def find_business(nodes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Pick the object that describes the business whose site this is.

    A subtype of LocalBusiness comes before a plain Organization, and among equals
    the one that says more about itself.
    """
    candidates = [
        node
        for node in nodes
        if text_value(node.get("name"))
        and types_of(node)
        and not _NOT_A_BUSINESS.intersection(types_of(node))
        and (
            any(node.get(key) for key in ("telephone", "address", "email"))
            or _GENERAL_TYPES.intersection(types_of(node))
        )
    ]
    return max(candidates, key=_fullness, default=None)


def _fullness(node: dict[str, Any]) -> tuple[bool, int]:
    told = ("telephone", "email", "address", "geo", "openingHours", "description")
    is_special = "Organization" not in types_of(node)
    return is_special, sum(1 for key in told if node.get(key))


def business_values(node: dict[str, Any]) -> dict[str, str | float | None]:
    """Give a lead's fields from a business object; missing ones are empty."""
    values: dict[str, str | float | None] = {
        "name": text_value(node.get("name"))[:200],
        "description": text_value(node.get("description"))[:2000],
        "phone": text_value(node.get("telephone")),
        "email": text_value(node.get("email")).removeprefix("mailto:"),
        "category": _category(types_of(node)),
    }
    values.update(_address(node.get("address")))
    values.update(_geo(node.get("geo")))
    return values


def _category(types: list[str]) -> str:
    special = [name for name in types if name not in _GENERAL_TYPES]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", special[0]) if special else ""
    return words.lower()[:100]


def _address(value: Any) -> dict[str, str]:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, str):
        return {"street": text_value(value)[:200]}
    if not isinstance(value, dict):
        return {}
    return {
        "street": text_value(value.get("streetAddress"))[:200],
        "city": text_value(value.get("addressLocality"))[:100],
        "region": text_value(value.get("addressRegion"))[:100],
        "postal_code": text_value(value.get("postalCode"))[:20],
        "country": text_value(value.get("addressCountry"))[:60],
    }


def _geo(value: Any) -> dict[str, float]:
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return {}
    try:
        latitude, longitude = float(value["latitude"]), float(value["longitude"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return {}
    return coordinates(latitude, longitude)


def coordinates(latitude: float, longitude: float) -> dict[str, float]:
    """Give both fields when they are a place on earth; 0,0 means "not given"."""
    is_place = abs(latitude) <= 90 and abs(longitude) <= 180
    if not is_place or (latitude == 0 and longitude == 0):
        return {}
    return {"latitude": latitude, "longitude": longitude}
