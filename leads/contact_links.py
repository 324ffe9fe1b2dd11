"""Find the pages of a site that may hold contact data. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from lxml.html import HtmlElement

from leads.matching import website_key
from leads.pages import text_of

#: Links worth following for contact data, the most promising words first.
_CONTACT_WORDS = (
    (
        "contact", "kontakt", "contacto", "contatt", "contato", "nous-contacter",
        "get in touch", "get-in-touch", "getintouch", "reach-us", "reach us", "write-us",
        "yhteystiedot", "kapcsolat", "iletisim", "お問い合わせ", "联系", "контакт",
    ),
    ("impressum", "imprint", "legal-notice", "mentions-legales", "aviso-legal", "colofon"),
    ("about", "ueber-uns", "über-uns", "über uns", "nosotros", "chi-siamo", "a-propos",
     "who-we-are", "our-story", "over-ons", "om-oss"),
    ("location", "find-us", "find us", "visit", "team", "staff", "people", "book",
     "quote", "support", "appointment", "hours"),
)  # fmt: skip
#: What a link leads to that is no page.
_FILE = re.compile(
    r"\.(?:pdf|jpe?g|png|gif|webp|svg|zip|docx?|xlsx?|mp[34]|ics|vcf|xml|css|js)$",
    re.IGNORECASE,
)
_MOST = 20
#: Links of a page that are looked at; the largest menus have some hundreds.
_MOST_LOOKED_AT = 5_000


def contact_links(page: HtmlElement, *, url: str) -> list[str]:
    """Give the site's pages that may hold contact data, most promising first."""
    base = _base(page, url)
    ranked: dict[str, tuple[int, int]] = {}
    here = _plain(url)
    for link in page.xpath("//a[@href] | //area[@href]")[:_MOST_LOOKED_AT]:
        address = _page_of_site(link.get("href"), base, url)
        if not address or _plain(address) == here:
            continue
        rank = _rank(urlsplit(address).path, text_of(link) or link.get("title") or "")
        if rank is not None:
            # Among equals the shorter path: /contact comes before /contact/parking.
            ranked.setdefault(address, (rank, urlsplit(address).path.count("/")))
    return sorted(ranked, key=lambda address: ranked[address])[:_MOST]


def _base(page: HtmlElement, url: str) -> str:
    bases = page.xpath("//base/@href")
    try:
        return urljoin(url, bases[0].strip()) if bases else url
    except ValueError:
        return url


def _page_of_site(href: str, base: str, url: str) -> str:
    """Give the whole address of a link to a page of the same site, else nothing."""
    try:
        address = urldefrag(urljoin(base, href.strip())).url
        split = urlsplit(address)
    except ValueError:
        return ""
    is_page = split.scheme in ("http", "https", "") and not _FILE.search(split.path)
    return address if is_page and website_key(address) == website_key(url) else ""


def _plain(address: str) -> str:
    return address.rstrip("/").partition("#")[0]


def _rank(path: str, text: str) -> int | None:
    words = f"{unquote(path)} {text[:100]}".lower()
    return next(
        (
            at
            for at, group in enumerate(_CONTACT_WORDS)
            if any(word in words for word in group)
        ),
        None,
    )
