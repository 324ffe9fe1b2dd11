"""Read what a page says of its business in JSON-LD and microdata. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml.html import HtmlElement

from leads.character_references import unescape
from leads.json_blocks import JsonBlock, read_json_block
from leads.microdata import read_microdata
from leads.pages import storable

#: Nodes looked at on one page; real pages have dozens.
_MAX_NODES = 5_000
#: What only frames a graph and describes nothing itself.
_FRAME = frozenset({"@context", "@graph", "@id"})
#: Types that have a name and perhaps an address, and are not the business itself.
_NOT_A_BUSINESS = frozenset(
    {"Person", "WebSite", "WebPage", "Product", "Offer", "Event", "Review", "Place"}
    | {"JobPosting", "Article", "BlogPosting", "NewsArticle", "PostalAddress"}
    | {"ContactPoint", "ImageObject", "BreadcrumbList", "ListItem", "Service"}
)
#: What is told of places and organisations only: whatever has it is one.
_TOLD_OF_PLACES = (
    *("telephone", "address", "email", "geo", "hasMap", "priceRange"),
    *("openingHours", "openingHoursSpecification"),
)
_GENERAL_TYPES = frozenset({"Organization", "Corporation", "LocalBusiness", "Thing"})


def read_nodes(page: HtmlElement, *, url: str = "") -> list[dict[str, Any]]:
    """Give every object that a page's JSON-LD and microdata describe."""
    nodes = read_json_ld(page)
    for item in read_microdata(page, url=url):
        nodes.extend(_walk(item, _MAX_NODES - len(nodes)))
    return nodes


def read_json_ld(page: HtmlElement) -> list[dict[str, Any]]:
    """Give every JSON-LD object of a page, nested ones too, in document order."""
    nodes: list[dict[str, Any]] = []
    for block in json_ld_blocks(page):
        for value in block.values:
            nodes.extend(_walk(value, _MAX_NODES - len(nodes)))
    return nodes


def json_ld_blocks(page: HtmlElement) -> list[JsonBlock]:
    """Give the page's JSON-LD block by block; a bad one costs none of the others."""
    scripts = page.xpath(
        "//script[contains(translate(@type, 'APLICTONJSD', 'aplictonjsd'), 'ld+json')]"
    )
    return [read_json_block("".join(script.itertext())) for script in scripts]


def entities(values: list[Any]) -> list[dict[str, Any]]:
    """Give what the values of a block speak of: lists and `@graph` taken apart."""
    found: list[dict[str, Any]] = []
    waiting = list(reversed(values))
    while waiting and len(found) < _MAX_NODES:
        each = waiting.pop()
        if isinstance(each, list):
            waiting.extend(reversed(each))
        elif isinstance(each, dict):
            graph = each.get("@graph")
            if isinstance(graph, list | dict):
                waiting.extend(reversed(graph if isinstance(graph, list) else [graph]))
            if not isinstance(graph, list | dict) or each.keys() - _FRAME:
                found.append({k: v for k, v in each.items() if k != "@graph"})
    return found


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
    return re.sub(r"\s+", " ", storable(unescape(str(value)))).strip()


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
            any(node.get(key) for key in _TOLD_OF_PLACES)
            or _GENERAL_TYPES.intersection(types_of(node))
        )
    ]
    return max(candidates, key=_fullness, default=None)


def same_as(node: dict[str, Any] | None) -> list[str]:
    """Give the addresses under which a business says that it is found elsewhere."""
    named = node.get("sameAs") if node else None
    listed = named if isinstance(named, list) else [named]
    return [link for link in listed if isinstance(link, str)]


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
