"""The source that counts most: the business's own website. Pure.

Contact data comes from here and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml.html import HtmlElement
from w3lib.html import get_base_url

from leads.auditing import audit_page, has_contact_form
from leads.contacts import find_emails, find_phones, to_e164, visible_text
from leads.matching import website_key
from leads.pages import parse_html, text_of
from leads.records import Value
from leads.structured import business_values, find_business, read_json_ld

NAME = "website"
#: Links worth following for contact data, the most promising words first.
_CONTACT_WORDS = (
    ("contact", "kontakt", "contacto", "contatt"),
    ("impressum", "imprint", "legal-notice"),
    ("about", "ueber-uns", "about-us", "nosotros"),
    ("location", "find-us", "visit", "team", "book", "quote"),
)
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
    #: The fields of a SiteAudit that this page's HTML decides.
    audit: dict[str, Any]


def read_site_page(text: str, *, url: str, region: str = "US") -> SitePage:
    """Read one page of a business's site; never raises."""
    page = parse_html(text)
    host = urlsplit(url).hostname or ""
    node = find_business(read_json_ld(page))
    values: dict[str, Value] = business_values(node) if node else {}
    emails = find_emails(page, site_host=host)
    phones = find_phones(page, region=region)
    stated_phone = to_e164(str(values.pop("phone", "") or ""), region=region)
    stated_email = str(values.pop("email", "") or "").lower()
    if not any(values.get(field) for field in ("street", "city")):
        values |= written_address(visible_text(page))
    if not values.get("name"):
        values["name"] = _site_name(page, host)
    if not values.get("description"):
        values["description"] = _description(page)
    return SitePage(
        values=values,
        emails=_first_of(stated_email if "@" in stated_email else None, emails),
        phones=_first_of(stated_phone, phones),
        contact_links=contact_links(page, url=url),
        has_contact_form=has_contact_form(page),
        audit=audit_page(page, text),
    )


def _first_of(stated: str | None, found: list[str]) -> list[str]:
    return list(dict.fromkeys([stated, *found])) if stated else found


def contact_links(page: HtmlElement, *, url: str) -> list[str]:
    """Give the site's pages that may hold contact data, most promising first."""
    base = get_base_url(_head_text(page), url)
    ranked: dict[str, int] = {}
    for link in page.xpath("//a[@href]"):
        try:
            address = urldefrag(urljoin(base, link.get("href").strip())).url
            same_site = website_key(address) == website_key(url)
        except ValueError:
            continue
        words = f"{urlsplit(address).path} {text_of(link)}".lower()
        rank = next(
            (at for at, group in enumerate(_CONTACT_WORDS) if _mentions(words, group)),
            None,
        )
        if same_site and rank is not None and address.rstrip("/") != url.rstrip("/"):
            ranked[address] = min(rank, ranked.get(address, rank))
    return sorted(ranked, key=lambda address: ranked[address])


def _mentions(words: str, group: tuple[str, ...]) -> bool:
    return any(word in words for word in group)


def _head_text(page: HtmlElement) -> str:
    bases = page.xpath("//base/@href")
    # get_base_url reads text, and only the base element matters to it.
    return f'<base href="{bases[0]}">' if bases and '"' not in bases[0] else ""


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
