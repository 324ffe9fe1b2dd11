"""The source that counts most: the business's own website. Pure.

Contact data comes from here and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from leads.auditing import audit_page, has_contact_form
from leads.contact_links import contact_links
from leads.contacts import find_emails, find_phones, to_e164, visible_text
from leads.email_texts import addresses_in
from leads.opening_hours import opening_hours
from leads.pages import parse_html, text_of
from leads.records import Value
from leads.socials import find_socials
from leads.structured import (
    business_values,
    find_business,
    read_nodes,
    same_as,
    text_value,
)

NAME = "website"
_TITLE_PARTS = re.compile(r"\s+[-|:·»•\u2013\u2014]\s+|\s*[|»•]\s*|:\s+")
#: 640 Mill Street, Alder Point, CA 94995
_US_ADDRESS = re.compile(
    r"\b(\d{1,5} [A-Z0-9][\w.' -]{2,50}),\s+([A-Z][A-Za-z.' -]{1,40}),\s+"
    r"([A-Z]{2})\s+(\d{5}(?:-\d{4})?)\b"
)
_GREETING = re.compile(
    r"^(?:welcome to|home of|the official site of)\s+", re.IGNORECASE
)


@dataclass(frozen=True)
class SitePage:
    """What one page of a website says."""

    values: dict[str, Value]
    emails: list[str]
    phones: list[str]
    contact_links: list[str]
    has_contact_form: bool
    #: Pages on social platforms by the platform's name.
    socials: dict[str, str]
    #: Lines like `Mo 09:00-17:30`.
    hours: list[str]
    #: The fields of a SiteAudit that this page's HTML decides.
    audit: dict[str, Any]


def read_site_page(text: str, *, url: str, region: str = "US") -> SitePage:
    """Read one page of a business's site; never raises."""
    return read_site_tree(parse_html(text), text, url=url, region=region)


def read_site_tree(
    page: HtmlElement, text: str, *, url: str, region: str = "US"
) -> SitePage:
    """Read one page of a business's site that is parsed already; never raises."""
    host = _host(url)
    nodes = read_nodes(page, url=url)
    node = find_business(nodes)
    values: dict[str, Value] = business_values(node) if node else {}
    shown = visible_text(page)
    stated_phone = to_e164(str(values.pop("phone", "") or ""), region=region)
    values.pop("email", None)
    if not any(values.get(field) for field in ("street", "city")):
        values |= written_address(shown)
    if not values.get("name"):
        values["name"] = _site_name(page, host)
    if not values.get("description"):
        values["description"] = _description(page)
    links = [*same_as(node), *page.xpath("//a/@href")]
    return SitePage(
        values=values,
        emails=_first_of(stated_emails(node, nodes), find_emails(page, site_host=host)),
        phones=_first_of(
            [stated_phone] if stated_phone else [],
            find_phones(page, region=region, text=shown),
        ),
        contact_links=contact_links(page, url=url),
        has_contact_form=has_contact_form(page),
        socials=find_socials(links),
        hours=opening_hours(node) if node else [],
        audit=audit_page(page, text, has_business=node is not None, shown=shown),
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def stated_emails(
    node: dict[str, Any] | None, nodes: list[dict[str, Any]]
) -> list[str]:
    """Give the addresses that the structured data states, the business's own first."""
    stated = [each.get("email") for each in ([node] if node else []) + nodes]
    values = [
        v for each in stated for v in (each if isinstance(each, list) else [each])
    ]
    texts = map(text_value, values)
    found = (address for text in texts if text for address in addresses_in(text))
    return list(dict.fromkeys(found))


def _first_of(stated: list[str], found: list[str]) -> list[str]:
    return list(dict.fromkeys([*stated, *found]))


def _description(page: HtmlElement) -> str:
    found = page.xpath(
        "//meta[@name='description' or @property='og:description']/@content"
    )
    return str(found[0]).strip()[:2000] if found else ""


def written_address(text: str) -> dict[str, Value]:
    """Give the first address written as in the United States, else nothing."""
    found = _US_ADDRESS.search(text)
    if not found:
        return {}
    fields = ("street", "city", "region", "postal_code")
    return dict(zip(fields, found.groups(), strict=True))


def _site_name(page: HtmlElement, host: str) -> str:
    found = page.xpath("//meta[@property='og:site_name']/@content")
    if found and found[0].strip():
        return str(found[0]).strip()[:200]
    titles = page.xpath("//title")
    return name_in_title(text_of(titles[0]), host) if titles else ""


def name_in_title(title: str, host: str) -> str:
    """Give the part of a page's title that the host name confirms as the name.

    "Home | Pier Nine Auto Repair" on pier-nine-auto.com gives "Pier Nine Auto
    Repair"; a title that has nothing in common with its host gives nothing.
    """
    label = _letters(host.removeprefix("www.").partition(".")[0])
    for part in _TITLE_PARTS.split(title):
        name = _GREETING.sub("", part.strip()).strip(" .!,")
        letters = _letters(name)
        if len(letters) >= 4 and label and (label in letters or letters in label):
            return name[:200]
    return ""


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
