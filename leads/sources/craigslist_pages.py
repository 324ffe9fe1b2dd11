"""Read Craigslist's lists: the static one of 2026, and saved pages of other times. Pure.

A list is told apart from an empty one, one that only a browser paints, a block page and
unknown mark-up; nothing reads as a silent zero.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from lxml import etree
from lxml.html import HtmlElement

from leads.pages import first, has_class, parse_html, text_of
from leads.sources.base import ListPage, ListRow, PageState
from leads.structured import coordinates, read_json_ld, text_value, types_of

#: New posts: 22 characters; the "-" and "_" among them matter (15 % have one).
_TOKEN_PATH = re.compile(r"/view/d/(?:[^/]*/)?([A-Za-z0-9_-]{22})/?$")
_WHOLE_LINK = re.compile(r"https://[\w.-]+/view/d/(?:[^/?#]*/)?([A-Za-z0-9_-]{22})")
_LEGACY_PATH = re.compile(r"/(\d{8,12})\.html$")
_QUERY = re.compile(r"[?#]")
#: Every good page refers to its own static files three times; block pages never do.
_STATIC = re.compile(
    r"(?:https?:)?//[^\"'\s/]*craigslist[^\"'\s/]*/(?:static|styles|js)/"
)
#: What an element of one of these classes holds: of today's list, painted and old ones.
_FIELDS = {
    "title": frozenset({"title", "label", "result-title", "titlestring"}),
    "place": frozenset({"location", "result-location", "result-hood", "supertitle"}),
    "price": frozenset({"price", "priceinfo", "result-price"}),
    "posted_at": frozenset({"result-posted-date", "result-date", "date"}),
}
#: Rows that stand outside of what was asked for begin below one of these.
_NEARBY = f"//*[{has_class('nearby')}]"
_NOTHING_FOUND = re.compile(
    r"nothing found for that search|no results|zero local results|^\s*0 (?:of|results)",
    re.IGNORECASE,
)


def read_list(text: str, *, url: str) -> ListPage:
    """Read a search result page; never raises."""
    page = parse_html(text)
    named = has_class("cl-static-search-results")
    container = first(page, f"//ol[{named}] | //ul[{named}]")
    # A page without a word of painted cards isn't walked through for them.
    rows, unreadable = _rows(page, container, url, is_painted="data-pid" in text)
    if rows:
        told = _with_positions(rows, _item_list(page))
        return ListPage(PageState.CONTENT, rows=told, unreadable=unreadable)
    if unreadable:
        reason = f"{unreadable} results are listed and none has a link that is known."
        return ListPage(PageState.UNKNOWN, reason, unreadable=unreadable)
    if container is None:
        return ListPage(*_without_container(page, text))
    if _item_list(page):
        reason = "The list is left for a browser to fill; its rows are not in the page."
        return ListPage(PageState.UNPAINTED, reason)
    reason = "The result list is there and has no results in it."
    return ListPage(PageState.EMPTY, reason)


def _rows(
    page: HtmlElement, container: HtmlElement | None, url: str, *, is_painted: bool
) -> tuple[list[ListRow], int]:
    static = (
        container.xpath(f".//li[{has_class('cl-static-search-result')}]")
        if container is not None
        else []
    )
    read, unreadable = _read_rows(static, url)
    if not is_painted:
        return read, unreadable
    # A page saved from a browser carries painted cards, beside the static rows or
    # instead of them; older ones have rows of the same attribute.
    cards = page.xpath("//*[@data-pid][not(ancestor::*[@data-pid])]")
    if len(cards) > len(static):
        if nearby := page.xpath(_NEARBY):
            cards = _before_any(page, nearby, cards)
        painted, unreadable_cards = _read_rows(cards, url)
        if len(painted) > len(read):
            return painted, unreadable_cards
    return read, unreadable


def _before_any(
    page: HtmlElement, marks: list[HtmlElement], cards: list[HtmlElement]
) -> list[HtmlElement]:
    """Keep the cards that begin before the first mark has ended, in one walk."""
    wanted, ends = set(cards), set(marks)
    kept: list[HtmlElement] = []
    for event, element in etree.iterwalk(page, events=("start", "end")):
        if event == "end" and element in ends:
            break
        if event == "start" and element in wanted:
            kept.append(element)
    return kept


def _read_rows(elements: Iterable[HtmlElement], url: str) -> tuple[list[ListRow], int]:
    found: dict[str, ListRow] = {}
    unreadable = 0
    for element in elements:
        row = _row(element, url)
        if row is None:
            unreadable += 1
        else:
            found.setdefault(row.key, row)
    return list(found.values()), unreadable


def _row(element: HtmlElement, url: str) -> ListRow | None:
    """Read a row in one walk over its elements; None without a link that is known."""
    address, key = "", ""
    told: dict[str, str] = {}
    for each in element.iter(etree.Element):
        if (classes := each.get("class")) and (name := _field_of(classes)):
            told[name] = told.get(name) or _told(name, each)
        if not key and (href := each.get("href")) and each.tag == "a":
            address, key = _posting_address(url, href)
    if not key:
        return None
    return ListRow(
        key=key,
        url=address,
        title=(told.get("title") or (element.get("title") or "").strip())[:300],
        place=told.get("place", "").strip("() ")[:200],
        price=_price(told.get("price", "")),
        posted_at=told.get("posted_at", "")[:40],
    )


@lru_cache(maxsize=256)
def _field_of(classes: str) -> str:
    """Name the field that an element of these classes holds, empty for none."""
    names = set(classes.split())
    return next((field for field, known in _FIELDS.items() if known & names), "")


def _told(name: str, element: HtmlElement) -> str:
    if name == "posted_at" and (moment := element.get("datetime")):
        return str(moment)
    text = element.text or ""
    return " ".join((text if not len(element) else text_of(element)).split())


def _price(text: str) -> str:
    """Drop the placeholder that every job and most services carry."""
    return "" if text in ("$0", "0") else text[:40]


def _posting_address(base: str, href: str) -> tuple[str, str]:
    # Almost all links are whole, and joining costs more than all else of a row.
    if found := _WHOLE_LINK.fullmatch(href):
        return href, found[1]
    try:
        address = urljoin(base, href.strip())
    except ValueError:
        return "", ""
    key = posting_key(address)
    return (address, key) if key else ("", "")


def posting_key(url: str) -> str:
    """Give a posting's token or legacy number from its address, empty if it has none."""
    path = _QUERY.split(url, 1)[0]
    found = _TOKEN_PATH.search(path) or _LEGACY_PATH.search(path)
    return found[1] if found else ""


def _item_list(page: HtmlElement) -> list[dict[str, Any]]:
    """Give the things of the list's JSON-LD, which for-sale and housing lists have."""
    if not page.xpath("//script[@id='ld_searchpage_results']"):
        return []
    nodes = read_json_ld(page)
    entries = [node for node in nodes if "ListItem" in types_of(node)]
    return [
        item
        for entry in entries
        if isinstance(item := entry.get("item", entry), dict)
        and "BreadcrumbList" not in types_of(item)
        and not isinstance(entry.get("item"), str)
    ]


def _with_positions(
    rows: list[ListRow], items: Sequence[dict[str, Any]]
) -> list[ListRow]:
    """Add the coordinates that the JSON-LD knows.

    It is a subsequence of the rows in their order and names no ids: a thing belongs to
    the next row of its title. Its position 0,0 means that there is none.
    """
    if not items:
        return rows
    told = list(rows)
    where: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        where[row.title].append(number)
    at = 0
    for item in items:
        name = text_value(item.get("name"))
        numbers = where.get(name, [])
        next_one = bisect_left(numbers, at)
        if not name or next_one == len(numbers):
            continue
        found = numbers[next_one]
        at = found + 1
        if place := _item_position(item):
            told[found] = told[found]._replace(**place)  # type: ignore[arg-type]
    return told


def _item_position(item: dict[str, Any]) -> dict[str, float]:
    offers = item.get("offers")
    where = offers.get("availableAtOrFrom") if isinstance(offers, dict) else item
    geo = where.get("geo") if isinstance(where, dict) else None
    try:
        return (
            coordinates(float(geo["latitude"]), float(geo["longitude"])) if geo else {}
        )
    except (KeyError, TypeError, ValueError):
        return {}


def _without_container(page: HtmlElement, text: str) -> tuple[PageState, str]:
    if _says_nothing_found(page):
        return PageState.EMPTY, "The page says itself that nothing was found."
    if is_block_page(page, text):
        return PageState.BLOCKED, "A block page came instead of Craigslist's own page."
    if page.xpath(
        f"//*[{has_class('cl-search-results')} or {has_class('cl-results-page')}]"
    ):
        reason = "The list is left for a browser to fill; its rows are not in the page."
        return PageState.UNPAINTED, reason
    return PageState.UNKNOWN, "The page has no result list of the known kind."


def _says_nothing_found(page: HtmlElement) -> bool:
    told = page.xpath(
        f"//*[{has_class('noresults')} or {has_class('no-results')}"
        f" or {has_class('visible-counts')} or {has_class('alert-warning')}]"
    )
    return any(_NOTHING_FOUND.search(text_of(element)) for element in told)


def is_block_page(page: HtmlElement, text: str) -> bool:
    """Say whether a page without content is no page of Craigslist's own making."""
    title = text_of(first(page, "//title")).lower()
    return title == "blocked" or len(_STATIC.findall(text)) < 2
