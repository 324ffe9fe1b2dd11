"""Judge a business's website by what its pages show. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lxml.html import HtmlElement

from leads.contacts import visible_text
from leads.pages import first, text_of
from leads.structured import find_business, read_json_ld

#: What gives a site's maker or age away, looked for in the page's source.
_TECHNOLOGY = {
    "WordPress": re.compile(
        r"/wp-(?:content|includes)/|generator\W+content=.WordPress", re.IGNORECASE
    ),
    "Wix": re.compile(r"static\.wixstatic\.com|wix\.com", re.IGNORECASE),
    "Squarespace": re.compile(r"static1?\.squarespace\.com", re.IGNORECASE),
    "Shopify": re.compile(r"cdn\.shopify\.com", re.IGNORECASE),
    "Weebly": re.compile(r"editmysite\.com", re.IGNORECASE),
    "GoDaddy Website Builder": re.compile(r"img1\.wsimg\.com", re.IGNORECASE),
    "Joomla": re.compile(r"generator\W+content=.Joomla", re.IGNORECASE),
    "Drupal": re.compile(
        r"generator\W+content=.Drupal|drupal-settings-json", re.IGNORECASE
    ),
    "React or Next.js": re.compile(r"__NEXT_DATA__|data-reactroot", re.IGNORECASE),
    "Bootstrap": re.compile(r"bootstrap(?:\.min)?\.css", re.IGNORECASE),
    "jQuery": re.compile(r"jquery[.-][\d.]*(?:min\.)?js", re.IGNORECASE),
}
#: The same for what nobody builds with any more.
_OUTDATED = {
    "FrontPage": re.compile(r"generator\W+content=.Microsoft FrontPage", re.IGNORECASE),
    "Dreamweaver templates": re.compile(
        r"MM_preloadImages|InstanceBeginEditable", re.IGNORECASE
    ),
    "Flash": re.compile(r"\.swf\b|x-shockwave-flash", re.IGNORECASE),
    "frames": re.compile(r"<frameset\b", re.IGNORECASE),
    "font tags": re.compile(r"<font\b", re.IGNORECASE),
    "jQuery 1": re.compile(r"jquery[.-]1\.\d", re.IGNORECASE),
    "scrolling text": re.compile(r"<(?:marquee|blink)\b", re.IGNORECASE),
}
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright|&copy;)\D{0,40}((?:19|20)\d\d)(?:\s*[-–—]\s*((?:19|20)\d\d))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SiteAudit:
    """What one visit of a website found; kept as `Lead.audit`."""

    #: An `Outcome` value: how the visit of the home page ended.
    outcome: str
    reason: str = ""
    url: str = ""
    #: False when the site itself gave no usable answer: down, gone, broken.
    is_reachable: bool = False
    is_https: bool = False
    has_viewport: bool = False
    title: str = ""
    meta_description: str = ""
    has_contact_form: bool = False
    has_structured_data: bool = False
    #: Bytes of the home page's HTML.
    page_bytes: int = 0
    response_ms: int = 0
    #: The newest year of a copyright line, None without one.
    copyright_year: int | None = None
    #: The Last-Modified header as it came.
    last_modified: str = ""
    technology: list[str] = field(default_factory=list)
    outdated_technology: list[str] = field(default_factory=list)
    #: Addresses of the pages that were read.
    pages: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    #: ISO 8601 moment of the visit; scoring counts years from it.
    checked_at: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the audit as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SiteAudit:
        """Read an audit back; unknown keys of other versions are ignored."""
        known = {key: values[key] for key in cls.__dataclass_fields__ if key in values}
        return cls(**{"outcome": "", **known})


def audit_page(page: HtmlElement, source: str) -> dict[str, Any]:
    """Give those fields of a SiteAudit that the home page's HTML decides."""
    viewport = page.xpath(
        "//meta[translate(@name, 'VIEWPORT', 'viewport')='viewport']/@content"
    )
    return {
        "has_viewport": any("width" in content.lower() for content in viewport),
        "title": text_of(first(page, "//head/title"))[:300],
        "meta_description": _meta_description(page)[:500],
        "has_contact_form": has_contact_form(page),
        "has_structured_data": find_business(read_json_ld(page)) is not None,
        "copyright_year": copyright_year(visible_text(page)),
        "technology": _found(_TECHNOLOGY, source),
        "outdated_technology": _found(_OUTDATED, source),
    }


def has_contact_form(page: HtmlElement) -> bool:
    """Say whether a page has a form to write to the business with.

    A text area, or a field for an e-mail address together with another one, which a
    search or newsletter box doesn't have.
    """
    for form in page.xpath("//form"):
        fields = form.xpath(
            ".//input[not(@type) or @type='text' or @type='email' or @type='tel']"
        )
        kinds = [element.get("type") for element in fields]
        if form.xpath(".//textarea") or ("email" in kinds and len(fields) > 1):
            return True
    return False


def copyright_year(text: str) -> int | None:
    """Give the newest year of the copyright lines in a text."""
    years = [int(year) for pair in _COPYRIGHT.findall(text) for year in pair if year]
    return max(years, default=None)


def _meta_description(page: HtmlElement) -> str:
    found = page.xpath(
        "//meta[translate(@name, 'DESCRIPTON', 'descripton')='description']/@content"
    )
    return str(found[0]).strip() if found else ""


def _found(signs: Mapping[str, re.Pattern[str]], source: str) -> list[str]:
    return [name for name, sign in signs.items() if sign.search(source)]
