"""Find e-mail addresses and phone numbers on a business's own pages. Pure.

Addresses are read from links, text, data and scripts: as they stand, written with
character references, taken apart by mark-up, spelled out or hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import parse_qs, unquote

import phonenumbers
from lxml.html import HtmlElement

from leads.character_references import unescape
from leads.email_texts import ADDRESS, addresses_in, spell_out
from leads.page_text import lines_of
from leads.split_addresses import across_lines
from leads.state_addresses import state_addresses
from leads.style_rules import read_style_rules, written_by_style
from leads.unhiding import decode_cfemail, hidden_addresses

__all__ = [
    "decode_cfemail",
    "emails_in_text",
    "find_emails",
    "find_phones",
    "to_e164",
    "visible_text",
    "without_contacts",
]

#: Mailboxes of a business, best first, before those of single people.
_ROLES = ("info", "hello", "contact", "office", "mail", "sales", "team", "bookings")
#: Characters of a page in which numbers are looked for.
_PHONE_TEXT = 200_000
#: Numbers that are tried and are none, until no more are looked for in a text.
_PHONE_TRIES = 4_000
#: A line with fewer digits holds no number that could be called, but years and prices.
_PHONE_DIGITS = re.compile(r"(?:\d\D{0,20}+){6}")
_MAX_PHONES = 50
#: "1-800-FLOWERS", "(888) 555-ROSE": capitals only, since "800 flowers" are flowers.
_PHONE_WORD = re.compile(
    r"(?<![\w-])(?P<code>(?:\+?1[ .-]?)?(?:8(?:00|33|44|55|66|77|88)[.-]"
    r"|\(8(?:00|33|44|55|66|77|88)\)[ .-]?))"
    r"(?P<word>[A-Z](?:-?[A-Z]){6,11}|\d{3}-[A-Z]{4})(?![\w-])"
)
#: What stands before a number that only a fax answers, in so many characters.
_FAX_LABEL = re.compile(
    r"\b(?:tele)?(?:fax|facsimile)\b[^\n\d]{0,12}\Z|ファッ?クス\W{0,3}\Z", re.IGNORECASE
)
_BEFORE_NUMBER = 24
#: Addresses that are read of a page, and of a line before pieces are put together.
_MAX_ADDRESSES, _MAX_COMPARED = 2_000, 200
#: Where else than in text and links a page states its address.
_STATED = (
    "//meta[contains(translate(concat(@name, ' ', @property, ' ', @itemprop),"
    " 'EMAIL', 'email'), 'email') or @name='reply-to']/@content"
    " | //*[@itemprop='email' or @property='email' or @property='schema:email']/@content"
    " | //meta[@name='author' or @name='description' or @property='og:description']/@content"
)


def find_emails(page: HtmlElement, *, site_host: str = "") -> list[str]:
    """Give the addresses on a page, the best one to write to first.

    Those on the site's own domain come before others, role mailboxes before people.
    """
    found = dict.fromkeys(islice(_all_addresses(page), _MAX_ADDRESSES))
    return sorted(found, key=lambda address: _rank(address, site_host))


def emails_in_text(text: str) -> list[str]:
    """Give the usable addresses in plain text, spelled-out ones too."""
    return list(dict.fromkeys(addresses_in(unescape(text))))


def without_contacts(text: str, *, region: str = "US") -> str:
    """Black out e-mail addresses and phone numbers in somebody's text."""
    text = ADDRESS.sub("[…]", spell_out(text))
    matches = phonenumbers.PhoneNumberMatcher(
        text[:20_000],
        region,
        leniency=phonenumbers.Leniency.POSSIBLE,
        max_tries=_PHONE_TRIES,
    )
    for match in reversed(list(matches)):
        text = text[: match.start] + "[…]" + text[match.end :]
    return text


def _all_addresses(page: HtmlElement) -> Iterator[str]:
    yield from _linked(page)
    for text in (*hidden_addresses(page), *state_addresses(page)):
        yield from addresses_in(text)
    for text in page.xpath(_STATED):
        yield from addresses_in(text)
    lines = list(lines_of(page, rules=read_style_rules(page)))
    for line in lines:
        yield from _in_line(line)
    for text in across_lines(lines):
        yield from addresses_in(text)
    for text in written_by_style(page):
        yield from addresses_in(text)
    # People without scripts read the address here when a script writes it; drawings
    # and frames have text of their own.
    elsewhere = "//body//noscript | //svg//text | //iframe/@srcdoc"
    for each in page.xpath(elsewhere)[:_MAX_COMPARED]:
        yield from addresses_in(each if isinstance(each, str) else _all_text(each))


def _all_text(element: HtmlElement) -> str:
    return " ".join(islice(element.itertext(), _MAX_ADDRESSES))


def _in_line(pieces: list[str]) -> Iterator[str]:
    """Find addresses in the pieces of a line, and those that mark-up takes apart."""
    whole = "".join(pieces)
    if len(whole) < 6:
        return
    found = [address for piece in pieces for address in addresses_in(piece)]
    yield from found
    is_apart = len(pieces) > 1 and len(found) < _MAX_COMPARED
    for address in addresses_in(whole) if is_apart else ():
        # `<b>Mail</b>joe@shop.example` is no mailbox of "Mailjoe".
        if not any(known in address for known in found):
            yield address


def _linked(page: HtmlElement) -> Iterator[str]:
    for href in page.xpath("//@href | //form/@action | //@onclick"):
        if "mail.google.com/" in href or "outlook." in href:
            yield from addresses_in(
                " ".join(parse_qs(href.partition("?")[2]).get("to", []))
            )
        at = href.lower().find("mailto:")
        if at < 0:
            if ADDRESS.fullmatch(bare := href.strip()):
                yield from addresses_in(bare)  # `mailto:` was forgotten.
            continue
        if "\\" in href:
            continue  # A script's escapes; `unhiding` decodes them.
        target, _, query = href[at + 7 :].strip().partition("?")
        yield from addresses_in(unquote(unquote(target)))
        for name, values in parse_qs(query).items():
            if name.lower() in ("to", "cc", "bcc"):
                yield from addresses_in(" ".join(values))


def _rank(address: str, site_host: str) -> tuple[bool, int, str]:
    local, _, domain = address.partition("@")
    bare_host = site_host.removeprefix("www.")
    is_own = bool(bare_host) and (
        domain == bare_host or bare_host.endswith("." + domain)
    )
    role = _ROLES.index(local) if local in _ROLES else len(_ROLES)
    return (not is_own, role, address)


def visible_text(page: HtmlElement) -> str:
    """Give the text a reader sees, each block of it on a line of its own."""
    lines = (re.sub(r"\s+", " ", "".join(line)).strip() for line in lines_of(page))
    return "\n".join(line for line in lines if line)


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


def find_phones(
    page: HtmlElement, *, region: str = "US", text: str | None = None
) -> list[str]:
    """Give the phone numbers on a page in E.164, those of tel: links first.

    `text` is the page's visible text where the caller has it already.
    """
    linked: Iterable[str | None] = (
        to_e164(_number_of(href), region=region)
        for href in page.xpath("//@href")
        if href.strip().lower().startswith(("tel:", "callto:", "https://wa.me/"))
    )
    written = phones_in_text(
        visible_text(page) if text is None else text, region=region
    )
    found = dict.fromkeys(number for number in (*linked, *written) if number)
    return list(found)[:_MAX_PHONES]


def _number_of(href: str) -> str:
    """Give the number of a tel: link (RFC 3966), or of one to WhatsApp."""
    text = unquote(href.strip())
    if text.lower().startswith("https://wa.me/"):
        return "+" + text[len("https://wa.me/") :].partition("?")[0]
    return text.partition(":")[2].lstrip("/").partition(";")[0]


def phones_in_text(text: str, *, region: str = "US") -> list[str]:
    """Give the valid phone numbers in plain text as E.164, faxes behind the others.

    A number of letters ("1-800-FLOWERS") is one where such numbers are toll-free.
    """
    lines = _PHONE_WORD.sub(_dialled, text[:_PHONE_TEXT]).split("\n")
    read = "\n".join(line if _PHONE_DIGITS.search(line) else ";" for line in lines)
    matches = phonenumbers.PhoneNumberMatcher(
        read,
        region.upper() or None,
        leniency=phonenumbers.Leniency.VALID,
        max_tries=_PHONE_TRIES,
    )
    found: dict[str, bool] = {}
    for match in islice(matches, _MAX_PHONES):
        number = phonenumbers.format_number(
            match.number, phonenumbers.PhoneNumberFormat.E164
        )
        before = read[max(0, match.start - _BEFORE_NUMBER) : match.start]
        is_fax = bool(_FAX_LABEL.search(before))
        # One number may be both.
        found[number] = found.get(number, True) and is_fax
    return sorted(found, key=found.__getitem__)


def _dialled(match: re.Match[str]) -> str:
    """Give a toll-free number as it is dialled; letters past the last digit are nothing."""
    digits = phonenumbers.convert_alpha_characters_in_number(match["word"])
    digits = digits.replace("-", "")
    return f"{match['code']}{digits[:7]}" if len(digits) >= 7 else match[0]
