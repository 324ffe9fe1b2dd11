"""Find e-mail addresses and phone numbers on a business's own pages. Pure.

Addresses are read from links and text, as they stand, written with character
references, spelled out ("name (at) example (dot) com") or hidden by Cloudflare.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import phonenumbers
from lxml.html import HtmlElement

#: Local and domain part in plain ASCII, tight on purpose: it runs over whole pages.
_ADDRESS = re.compile(
    r"(?<![\w.+%-])[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,62})\.)+[a-z]{2,24}(?![\w-])",
    re.IGNORECASE,
)
_SPELLED_AT = re.compile(
    r"\s*(?:\(\s*(?:at|@)\s*\)|\[\s*(?:at|@)\s*\]|\{\s*at\s*\})\s*", re.IGNORECASE
)
_SPELLED_DOT = re.compile(
    r"\s*(?:\(\s*(?:dot|\.)\s*\)|\[\s*(?:dot|\.)\s*\]|\{\s*dot\s*\})\s*", re.IGNORECASE
)
_CFEMAIL_HREF = re.compile(r"/cdn-cgi/l/email-protection#([0-9a-f]+)", re.IGNORECASE)
#: What an address expression also matches on real pages: images and page furniture.
_FILE_ENDINGS = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "avif",
        "ico",
        "css",
        "js",
        "mjs",
        "json",
        "woff",
        "ttf",
        "map",
    ]
)
_PLACEHOLDER_DOMAINS = frozenset(
    {"example.com", "example.org", "example.net", "domain.com", "yourdomain.com"}
    | {"email.com", "mysite.com", "yoursite.com", "sentry.io", "wixpress.com"}
)
#: Error trackers, whose keys look like addresses, live on names below these.
_TRACKER_DOMAINS = (".sentry.io", ".wixpress.com")
_PLACEHOLDER_LOCALS = frozenset(
    {"you", "your", "youremail", "yourname", "name", "user"}
)
#: Mailboxes of a business, best first, before those of single people.
_ROLES = ("info", "hello", "contact", "office", "mail", "sales", "team", "bookings")


def decode_cfemail(code: str) -> str | None:
    """Undo Cloudflare's address hiding: the first byte is the XOR key of the rest."""
    try:
        data = bytes.fromhex(code)
        return bytes(byte ^ data[0] for byte in data[1:]).decode("utf-8") or None
    except (ValueError, IndexError):
        return None


def find_emails(page: HtmlElement, *, site_host: str = "") -> list[str]:
    """Give the addresses on a page, the best one to write to first.

    Those on the site's own domain come before others, role mailboxes before people.
    """
    found = dict.fromkeys(
        address.lower().strip(".")
        for address in _raw_addresses(page)
        if _is_usable(address)
    )
    return sorted(found, key=lambda address: _rank(address, site_host))


def emails_in_text(text: str) -> list[str]:
    """Give the usable addresses in plain text, spelled-out ones too."""
    plain = _SPELLED_DOT.sub(".", _SPELLED_AT.sub("@", html.unescape(text)))
    return list(
        dict.fromkeys(
            found.lower() for found in _ADDRESS.findall(plain) if _is_usable(found)
        )
    )


def without_contacts(text: str, *, region: str = "US") -> str:
    """Black out e-mail addresses and phone numbers in somebody's text."""
    text = _ADDRESS.sub("[…]", _SPELLED_DOT.sub(".", _SPELLED_AT.sub("@", text)))
    matches = phonenumbers.PhoneNumberMatcher(
        text[:20_000], region, leniency=phonenumbers.Leniency.POSSIBLE
    )
    for match in reversed(list(matches)):
        text = text[: match.start] + "[…]" + text[match.end :]
    return text


def _raw_addresses(page: HtmlElement) -> Iterator[str]:
    for href in page.xpath("//a/@href"):
        if href.strip().lower().startswith("mailto:"):
            target = unquote(href.strip()[7:].split("?", 1)[0])
            yield from _ADDRESS.findall(target)
        elif code := _CFEMAIL_HREF.search(href):
            yield from _ADDRESS.findall(decode_cfemail(code[1]) or "")
    for code in page.xpath("//@data-cfemail"):
        yield from _ADDRESS.findall(decode_cfemail(code) or "")
    yield from emails_in_text(visible_text(page))


def _is_usable(address: str) -> bool:
    local, _, domain = address.lower().rpartition("@")
    if domain.rpartition(".")[2] in _FILE_ENDINGS or local in _PLACEHOLDER_LOCALS:
        return False
    # Error trackers put keys of 32 hex digits in front of their own host names.
    if re.fullmatch(r"[0-9a-f]{24,}", local):
        return False
    return domain not in _PLACEHOLDER_DOMAINS and not domain.endswith(_TRACKER_DOMAINS)


def _rank(address: str, site_host: str) -> tuple[bool, int, str]:
    local, _, domain = address.partition("@")
    bare_host = site_host.removeprefix("www.")
    is_own = bool(bare_host) and (
        domain == bare_host or bare_host.endswith("." + domain)
    )
    role = _ROLES.index(local) if local in _ROLES else len(_ROLES)
    return (not is_own, role, address)


def visible_text(page: HtmlElement) -> str:
    """Give the text a reader sees, words of neighbouring blocks kept apart."""
    parts = page.xpath(
        "//body//text()[not(ancestor::script or ancestor::style or ancestor::noscript"
        " or ancestor::template)]"
    )
    return re.sub(r"\s+", " ", " ".join(parts)).strip()


def to_e164(number: str, *, region: str = "US") -> str | None:
    """Give a phone number as +14155550123, None if it can't be one.

    `region` is the ISO 3166 country whose national notation is assumed.
    """
    try:
        parsed = phonenumbers.parse(number, region.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    # "Possible", not "valid": 555 numbers and new area codes are numbers too.
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def find_phones(page: HtmlElement, *, region: str = "US") -> list[str]:
    """Give the phone numbers on a page in E.164, those of tel: links first."""
    linked: Iterable[str | None] = (
        to_e164(unquote(href.strip()[4:]), region=region)
        for href in page.xpath("//a/@href")
        if href.strip().lower().startswith("tel:")
    )
    text = visible_text(page)[:50_000]
    written = (
        phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        for match in phonenumbers.PhoneNumberMatcher(
            text, region.upper() or None, leniency=phonenumbers.Leniency.VALID
        )
    )
    return list(dict.fromkeys(number for number in (*linked, *written) if number))
