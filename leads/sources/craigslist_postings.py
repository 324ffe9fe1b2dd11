"""Read Craigslist's posting pages. Pure.

Telephone numbers and e-mail addresses of posters are not read, on purpose, and the
button that leads to them (`/reply`) is never followed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from lxml.html import HtmlElement

from leads.contacts import without_contacts
from leads.pages import block_text, first, has_class, parse_html, text_of
from leads.records import Value
from leads.sources.base import PageState, PostingPage
from leads.sources.craigslist_pages import is_block_page
from leads.sources.posting_text import find_website, leading_name
from leads.structured import coordinates, read_json_ld, text_value, types_of

_REMOVED = re.compile(
    r"this posting has (been deleted by its author|expired|been flagged for removal)",
    re.IGNORECASE,
)
_UNAVAILABLE_AFTER = re.compile(r"unavailable_after:\s*(.+)", re.IGNORECASE)
_REPOST_OF = re.compile(r"'?repost_of'?\s*:\s*'?(\d+)")
_IMAGE_SIZES = re.compile(r"_(?:50x50c|300x300|600x450)\.jpg$")


def read_posting(text: str) -> PostingPage:
    """Read a posting's page; never raises."""
    page = parse_html(text)
    body = first(page, "//*[@id='postingbody']")
    if reason := _removal(page, body, text):
        return PostingPage(PageState.REMOVED, reason)
    if body is None:
        if is_block_page(page, text):
            reason = "A block page came instead of the posting."
            return PostingPage(PageState.BLOCKED, reason)
        return PostingPage(PageState.UNKNOWN, "The page has no posting body.")
    nodes = read_json_ld(page)
    return PostingPage(
        PageState.CONTENT,
        values=_values(page, body, nodes),
        headline=_posting_title(page),
        expires_at=_expires_at(page),
        details=_details(page, nodes, text),
    )


def _removal(page: HtmlElement, body: HtmlElement | None, text: str) -> str:
    """Say why the posting is gone, empty while it is there."""
    notice = first(page, f"//*[@id='removed' or {has_class('removed')}]")
    if notice is not None and (said := _REMOVED.search(block_text(notice))):
        return said[0]
    if body is not None and text_of(body):
        return ""
    if notice is not None:
        return "It was removed."
    said = _REMOVED.search(text) if body is None else None
    return said[0] if said else ""


def _values(
    page: HtmlElement, body: HtmlElement, nodes: list[dict[str, Any]]
) -> dict[str, Value]:
    for part in body.xpath(
        f".//*[{has_class('print-information')} or {has_class('print-qrcode')}"
        f" or {has_class('print-qrcode-container')}"
        f" or {has_class('print-qrcode-label')}]"
    ):
        part.drop_tree()
    text = block_text(body).replace("QR Code Link to This Post", "").strip()
    job = _job(nodes)
    company = job.get("hiringOrganization")
    links = body.xpath(".//a/@href")
    if isinstance(company, dict):
        links += [text_value(company.get(name)) for name in ("sameAs", "url")]
    values: dict[str, Value] = {
        "name": (text_value(company) if job else leading_name(text))[:200],
        "description": without_contacts(text)[:2000],
        "website": find_website(links, text),
        "category": _category(nodes),
        "street": text_of(first(page, f"//h2[{has_class('street-address')}]"))[:200],
        "city": (_meta(page, "geo.placename") or _job_place(job, "addressLocality"))[
            :100
        ],
        "region": (
            _meta(page, "geo.region").rpartition("-")[2]
            or _job_place(job, "addressRegion")
        )[:100],
    }
    values.update(_map_position(page))
    return values


def _job(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the JobPosting that posts of the job categories carry."""
    return next((node for node in nodes if "JobPosting" in types_of(node)), {})


def _job_place(job: dict[str, Any], name: str) -> str:
    place = job.get("jobLocation")
    place = place[0] if isinstance(place, list) and place else place
    address = place.get("address") if isinstance(place, dict) else None
    return text_value(address.get(name)) if isinstance(address, dict) else ""


def _details(
    page: HtmlElement, nodes: list[dict[str, Any]], text: str
) -> dict[str, Any]:
    job = _job(nodes)
    repost = _REPOST_OF.search(text)
    title = f"//*[{has_class('postingtitletext')}]//*"
    images = page.xpath("//a[contains(@href, 'images.craigslist.org')]/@href")
    images += page.xpath("//meta[@property='og:image']/@content")
    found = {
        **_labelled_lines(page),
        "price": text_of(first(page, f"{title}[{has_class('price')}]")),
        "housing": text_of(first(page, f"{title}[{has_class('housing')}]")).strip(
            "/ -"
        ),
        "repost_of": repost[1] if repost else "",
        "attributes": _attributes(page),
        "images": list(
            dict.fromkeys(_IMAGE_SIZES.sub("_1200x900.jpg", url) for url in images)
        )[:30],
        "employment_type": text_value(job.get("employmentType")),
        "date_posted": text_value(job.get("datePosted")),
        "valid_through": text_value(job.get("validThrough")),
    }
    return {name: value for name, value in found.items() if value}


def _labelled_lines(page: HtmlElement) -> dict[str, str]:
    """Read "post id: 1", "posted: …" and "updated: …" by their labels."""
    names = {"post id": "post_id", "posted": "posted_at", "updated": "updated_at"}
    found: dict[str, str] = {}
    for line in page.xpath(f"//*[{has_class('postinginfo')}]"):
        label, _, value = text_of(line).partition(":")
        if name := names.get(label.strip().lower()):
            moments = line.xpath(".//time/@datetime")
            found.setdefault(name, str(moments[0]) if moments else value.strip())
    return found


def _attributes(page: HtmlElement) -> dict[str, str]:
    """Read the boxes of attributes; one without a label goes by its own class."""
    found: dict[str, str] = {}
    for box in page.xpath(f"//*[{has_class('attrgroup')}]"):
        for pair in box.xpath(f".//*[{has_class('attr')}]"):
            label = text_of(first(pair, f".//*[{has_class('labl')}]")).strip(": ")
            value = first(pair, f".//*[{has_class('valu')}]")
            found.setdefault(label or _own_class(pair, "attr"), text_of(value))
        for value in box.xpath(f"./*[{has_class('valu')}]"):
            found.setdefault(_own_class(value, "valu"), text_of(value))
    return {name: value for name, value in found.items() if name and value}


def _own_class(element: HtmlElement, known: str) -> str:
    names = [name for name in (element.get("class") or "").split() if name != known]
    return " ".join(names) or "about"


def _posting_title(page: HtmlElement) -> str:
    return without_contacts(text_of(first(page, "//*[@id='titletextonly']")))[:200]


def _category(nodes: list[dict[str, Any]]) -> str:
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
