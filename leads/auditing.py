"""Judge a business's website by what its pages show. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lxml.html import HtmlElement

from leads.pages import first, text_of
from leads.technology import found_outdated, found_technology
from leads.walls import is_parked, is_shell

_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright|&copy;)\D{0,40}((?:19|20)\d\d)(?:\s*[-–—]\s*((?:19|20)\d\d))?",
    re.IGNORECASE,
)


_DATE_MODIFIED = re.compile(r'"dateModified"\s*:\s*"([^"]{8,40})"')
_DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d")
#: Forms of services, as an iframe or a script puts them into a page.
_FORM_SERVICES = re.compile(
    r"jotform|typeform|docs\.google\.com/forms|hsforms|formstack|wufoo|cognitoforms"
    r"|123formbuilder|calendly|acuityscheduling|forms\.zoho|paperform|tally\.so",
    re.IGNORECASE,
)
_MIXED = (
    "//img[starts-with(@src, 'http://')] | //script[starts-with(@src, 'http://')]"
    " | //link[@rel='stylesheet'][starts-with(@href, 'http://')]"
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
    #: The newest date of change that the page itself states, ISO 8601.
    updated_at: str = ""
    has_phone_link: bool = False
    #: Pictures or scripts over http on a page over https.
    has_mixed_content: bool = False
    #: A host's own page stands where the site was or will be.
    is_parked: bool = False
    #: Nothing stands on the page until a browser runs its scripts.
    is_shell: bool = False
    language: str = ""
    images: int = 0
    images_without_text: int = 0
    #: Pages on social platforms by the platform's name.
    socials: dict[str, str] = field(default_factory=dict)
    #: Lines like `Mo 09:00-17:30`.
    hours: list[str] = field(default_factory=list)
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


def audit_page(
    page: HtmlElement, source: str, *, has_business: bool, shown: str
) -> dict[str, Any]:
    """Give those fields of a SiteAudit that the home page's HTML decides.

    `shown` is the page's visible text, `has_business` whether its structured data
    describes a business.
    """
    viewport = page.xpath(
        "//meta[translate(@name, 'VIEWPORT', 'viewport')='viewport']/@content"
    )
    title = text_of(first(page, "//head/title | //title"))[:300]
    return {
        "has_viewport": any("width" in content.lower() for content in viewport),
        "title": title,
        "meta_description": _meta_description(page)[:500],
        "has_contact_form": has_contact_form(page),
        "has_structured_data": has_business,
        "has_phone_link": bool(page.xpath("//a[starts-with(@href, 'tel:')]")),
        "has_mixed_content": bool(page.xpath(_MIXED)),
        "is_parked": is_parked(title=title, text=shown),
        "is_shell": is_shell(source, text=shown),
        "language": (page.get("lang") or "")[:20],
        "images": len(page.xpath("//img")),
        "images_without_text": len(page.xpath("//img[not(@alt)]")),
        "copyright_year": copyright_year(shown),
        "updated_at": updated_at(page, source),
        "technology": found_technology(source),
        "outdated_technology": found_outdated(source),
    }


def updated_at(page: HtmlElement, source: str) -> str:
    """Give the newest date on which the page says that it was changed, ISO 8601."""
    told = page.xpath(
        "//meta[@property='article:modified_time' or @property='og:updated_time'"
        " or @itemprop='dateModified' or @name='last-modified']/@content"
    )
    told += _DATE_MODIFIED.findall(source)
    dates = [found[0] for text in told if (found := _DATE.match(text.strip()))]
    return max(dates, default="")


def has_contact_form(page: HtmlElement) -> bool:
    """Say whether a page has a form to write to the business with.

    A text area, or a field for an e-mail address together with another one, which a
    search or newsletter box doesn't have; or a form of a service that is built in.
    """
    for form in page.xpath("//form"):
        fields = form.xpath(
            ".//input[not(@type) or @type='text' or @type='email' or @type='tel']"
        )
        kinds = [element.get("type") for element in fields]
        if form.xpath(".//textarea") or ("email" in kinds and len(fields) > 1):
            return True
    built_in = page.xpath("//iframe/@src | //script/@src | //*/@data-tf-widget")
    return any(_FORM_SERVICES.search(address) for address in built_in)


def copyright_year(text: str) -> int | None:
    """Give the newest year of the copyright lines in a text."""
    years = [int(year) for pair in _COPYRIGHT.findall(text) for year in pair if year]
    return max(years, default=None)


def _meta_description(page: HtmlElement) -> str:
    found = page.xpath(
        "//meta[translate(@name, 'DESCRIPTON', 'descripton')='description']/@content"
    )
    return str(found[0]).strip() if found else ""
