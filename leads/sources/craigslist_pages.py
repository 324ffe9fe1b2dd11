"""Read Craigslist's pages as they are since July 2026. Pure.

A list or posting is told apart from an empty one, one that only a browser paints, a
block page, a removed posting and unknown markup; nothing reads as a silent zero.
Telephone numbers and e-mail addresses of posters are not read, on purpose.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from leads.contacts import without_contacts
from leads.pages import block_text, first, has_class, parse_html, text_of
from leads.records import Value
from leads.sources.base import ListPage, ListRow, PageState, PostingPage
from leads.sources.posting_text import find_website, leading_name
from leads.structured import coordinates, read_json_ld, text_value, types_of

#: New posts: 22 characters; the "-" and "_" among them matter (15 % have one).
_TOKEN_PATH = re.compile(r"/view/d/[^/]*/([A-Za-z0-9_-]{22})/?$")
_LEGACY_PATH = re.compile(r"/(\d{10})\.html$")
#: Every good page refers to its own static files three times; block pages never do.
_STATIC = re.compile(r"https?://[^\"'\s/]*craigslist[^\"'\s/]*/static/")
_REMOVED = re.compile(
    r"this posting has (been deleted by its author|expired|been flagged for removal)",
    re.IGNORECASE,
)
_UNAVAILABLE_AFTER = re.compile(r"unavailable_after:\s*(.+)", re.IGNORECASE)


def read_list(text: str, *, url: str) -> ListPage:
    """Read a search result page; never raises."""
    page = parse_html(text)
    container = first(page, f"//ol[{has_class('cl-static-search-results')}]")
    rows, unreadable = _rows(page, container, url)
    if rows:
        return ListPage(PageState.CONTENT, rows=rows, unreadable=unreadable)
    if unreadable:
        reason = f"{unreadable} results are listed and none has a link that is known."
        return ListPage(PageState.UNKNOWN, reason, unreadable=unreadable)
    if container is None:
        return ListPage(*_without_container(page, text))
    if page.xpath("//script[@id='ld_searchpage_results']"):
        reason = "The list is left for a browser to fill; its rows are not in the page."
        return ListPage(PageState.UNPAINTED, reason)
    reason = "The result list is there and has no results in it."
    return ListPage(PageState.EMPTY, reason)


def _rows(
    page: HtmlElement, container: HtmlElement | None, url: str
) -> tuple[list[ListRow], int]:
    found: dict[str, ListRow] = {}
    unreadable = 0
    elements = (
        container.xpath(f".//li[{has_class('cl-static-search-result')}]")
        if container is not None
        else []
    )
    # A page saved from a browser carries painted cards instead.
    for element in elements or page.xpath("//*[@data-pid]"):
        row = _row(element, url)
        if row is None:
            unreadable += 1
        else:
            found.setdefault(row.key, row)
    return list(found.values()), unreadable


def _row(element: HtmlElement, url: str) -> ListRow | None:
    for href in element.xpath(".//a/@href"):
        try:
            address = urljoin(url, href.strip())
        except ValueError:
            continue
        if key := posting_key(address):
            return ListRow(
                key=key,
                url=address,
                title=_title(element)[:300],
                place=_place(element)[:200],
            )
    return None


def posting_key(url: str) -> str:
    """Give a posting's token or legacy number from its address, empty if it has none."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    found = _TOKEN_PATH.search(path) or _LEGACY_PATH.search(path)
    return found[1] if found else ""


def _title(element: HtmlElement) -> str:
    title = first(element, f".//*[{has_class('title')} or {has_class('label')}]")
    return text_of(title) or (element.get("title") or "").strip()


def _place(element: HtmlElement) -> str:
    return text_of(
        first(
            element, f".//*[{has_class('location')} or {has_class('result-location')}]"
        )
    )


def _without_container(page: HtmlElement, text: str) -> tuple[PageState, str]:
    if is_block_page(page, text):
        return PageState.BLOCKED, "A block page came instead of Craigslist's own page."
    return PageState.UNKNOWN, "The page has no result list of the known kind."


def is_block_page(page: HtmlElement, text: str) -> bool:
    """Say whether a page without content is no page of Craigslist's own making."""
    title = text_of(first(page, "//title")).lower()
    return title == "blocked" or len(_STATIC.findall(text)) < 2


def read_posting(text: str) -> PostingPage:
    """Read a posting's page; never raises."""
    page = parse_html(text)
    body = first(page, "//*[@id='postingbody']")
    is_removed = (
        first(page, f"//*[@id='removed' or {has_class('removed')}]") is not None
    )
    if is_removed or (body is None and _REMOVED.search(text)):
        found = _REMOVED.search(text)
        return PostingPage(PageState.REMOVED, found[0] if found else "It was removed.")
    if body is None:
        if is_block_page(page, text):
            reason = "A block page came instead of the posting."
            return PostingPage(PageState.BLOCKED, reason)
        return PostingPage(PageState.UNKNOWN, "The page has no posting body.")
    return PostingPage(
        PageState.CONTENT,
        values=_values(page, body),
        headline=_posting_title(page),
        expires_at=_expires_at(page),
    )


def _values(page: HtmlElement, body: HtmlElement) -> dict[str, Value]:
    for part in body.xpath(
        f".//*[{has_class('print-information')} or {has_class('print-qrcode')}"
        f" or {has_class('print-qrcode-container')}"
        f" or {has_class('print-qrcode-label')}]"
    ):
        part.drop_tree()
    text = block_text(body).replace("QR Code Link to This Post", "").strip()
    nodes = read_json_ld(page)
    values: dict[str, Value] = {
        "name": _business_name(nodes, text),
        "description": without_contacts(text)[:2000],
        "website": find_website(body.xpath(".//a/@href"), text),
        "category": _category(nodes),
        "street": text_of(first(page, f"//h2[{has_class('street-address')}]"))[:200],
        "city": _meta(page, "geo.placename")[:100],
        "region": _meta(page, "geo.region").rpartition("-")[2][:100],
    }
    values.update(_map_position(page))
    return values


def _posting_title(page: HtmlElement) -> str:
    return without_contacts(text_of(first(page, "//*[@id='titletextonly']")))[:200]


def _business_name(nodes: list[dict[str, object]], text: str) -> str:
    for node in nodes:
        if "JobPosting" in types_of(node):
            return text_value(node.get("hiringOrganization"))[:200]
    return leading_name(text)[:200]


def _category(nodes: list[dict[str, object]]) -> str:
    crumbs = [node for node in nodes if "ListItem" in types_of(node)]
    for crumb in reversed(crumbs):
        if "/search/" in str(crumb.get("item", "")):
            return text_value(crumb.get("name") or crumb.get("item"))[:100]
    return ""


def _meta(page: HtmlElement, name: str) -> str:
    found = page.xpath("//meta[@name=$name]/@content", name=name)
    return str(found[0]).strip() if found else ""


def _map_position(page: HtmlElement) -> dict[str, float]:
    place = first(page, "//*[@id='map'][@data-latitude][@data-longitude]")
    latitude, _, longitude = (
        (place.get("data-latitude"), "", place.get("data-longitude"))
        if place is not None
        else _meta(page, "geo.position").partition(";")
    )
    try:
        return coordinates(float(latitude or ""), float(longitude or ""))
    except ValueError:
        return {}


def _expires_at(page: HtmlElement) -> datetime | None:
    found = _UNAVAILABLE_AFTER.search(_meta(page, "robots"))
    try:
        moment = datetime.fromisoformat(found[1].strip()) if found else None
    except ValueError:
        return None
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment
