"""Show what a saved page of a website says, block by block; for `explain page`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml.html import HtmlElement

from leads.contacts import visible_text
from leads.json_blocks import JsonBlock
from leads.microdata import read_microdata
from leads.outcomes import Outcome
from leads.pages import first, own_address, parse_html, text_of
from leads.sources.base import PageReading
from leads.sources.website import SitePage, read_site_tree
from leads.structured import entities, json_ld_blocks, types_of
from leads.walls import find_wall


def read_page(text: str, url: str) -> PageReading:
    """Read a saved page of a business's site; never raises.

    The first item is the business as a lead would have it, where the page names one;
    after it comes each thing that the page's structured data describes.
    """
    page = parse_html(text)
    url = url or own_address(page)
    shown = visible_text(page)
    title = text_of(first(page, "//title"))
    if wall := find_wall(text, title=title, text=shown):
        return PageReading(Outcome.BLOCKED, wall, more={"kind": "wall"})
    blocks = json_ld_blocks(page)
    site = read_site_tree(page, text, url=url)
    things = [*_from_blocks(blocks), *_from_microdata(page, url)]
    items = [*_business(site, url), *things]
    outcome, reason = _outcome(site, blocks, items, shown)
    return PageReading(outcome, reason, items, _more(site, blocks))


def _business(site: SitePage, url: str) -> Iterator[dict[str, Any]]:
    known = {name: value for name, value in site.values.items() if value}
    contacts = {"emails": site.emails, "phones": site.phones}
    # A description alone names nobody.
    if (known.keys() - {"description"}) or site.emails or site.phones:
        yield {
            "kind": "business",
            **known,
            **contacts,
            "socials": site.socials,
            "hours": site.hours,
            "url": url,
        }


def _from_blocks(blocks: list[JsonBlock]) -> Iterator[dict[str, Any]]:
    for number, block in enumerate(blocks, 1):
        for thing in entities(block.values):
            yield _thing("json-ld", thing) | {"block": number}


def _from_microdata(page: HtmlElement, url: str) -> Iterator[dict[str, Any]]:
    for thing in read_microdata(page, url=url):
        yield _thing("microdata", thing)


def _thing(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    types = types_of(thing)
    return {
        "kind": kind,
        "type": types[0] if len(types) == 1 else types,
        "name": thing.get("name") or thing.get("title") or thing.get("headline") or "",
        "data": thing,
    }


def _outcome(
    site: SitePage, blocks: list[JsonBlock], items: list[Any], shown: str
) -> tuple[Outcome, str]:
    if site.audit["is_parked"]:
        return Outcome.EMPTY, "A host's own page stands where the site was or will be."
    if site.audit["is_shell"] and not items:
        return (
            Outcome.MARKUP_CHANGED,
            "The page is left for a browser to fill; it says nothing by itself.",
        )
    if not items and not shown:
        return Outcome.EMPTY, "The page shows no text and describes nothing."
    faults = [
        f"block {number}: {block.fault}"
        for number, block in enumerate(blocks, 1)
        if block.fault
    ]
    if faults:
        told = "; ".join(faults)[:500]
        reason = f"{len(faults)} of {len(blocks)} JSON-LD blocks can't be read whole"
        return Outcome.PARTIAL, f"{reason} ({told})"
    if not items:
        return Outcome.EMPTY, "The page names no business and has no structured data."
    return Outcome.OK, ""


def _more(site: SitePage, blocks: list[JsonBlock]) -> dict[str, Any]:
    return {
        "kind": "page",
        "emails": site.emails,
        "phones": site.phones,
        "socials": site.socials,
        "hours": site.hours,
        "contact_links": site.contact_links,
        "blocks": [
            {
                "block": number,
                "state": block.state,
                "reason": block.fault or block.repair,
            }
            for number, block in enumerate(blocks, 1)
        ],
        "audit": site.audit,
    }
