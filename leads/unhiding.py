"""Undo what sites do to their addresses so that machines don't find them. Pure.

Known ways: Cloudflare, TYPO3, Joomla, CryptX, scripts that put an address together, ROT13,
base64, and attributes that hold its two halves.
"""

from __future__ import annotations

import codecs
import re
import string
from collections.abc import Iterator
from urllib.parse import unquote

from lxml.html import HtmlElement

from leads.email_texts import addresses_in, is_turned_domain
from leads.script_texts import (
    ROT13_MAILTO,
    from_base64,
    from_base64_text,
    script_addresses,
)

_CFEMAIL_HREF = re.compile(r"/cdn-cgi/l/email-protection#([0-9a-f]+)", re.IGNORECASE)
_TYPO3_CALL = re.compile(r"linkTo_UnCryptMailto\(\s*['\"%27]*([^'\"]+?)(?:%27|['\"])")
_CRYPTX_CALL = re.compile(r"DeCryptX\(\s*['\"]([^'\"]{5,400})['\"]", re.IGNORECASE)
#: The ranges inside which TYPO3 shifts characters.
_TYPO3_RANGES = (
    "+,-./0123456789:",
    f"@{string.ascii_uppercase}",
    string.ascii_lowercase,
)
#: Ends of names of attributes that hold the parts of an address.
_LOCAL = re.compile(
    r"(?:^|-)(?:user(?:name)?|name|local(?:part)?|mailbox|account|u|part1)$"
)
_DOMAIN = re.compile(r"(?:^|-)(?:domain|host|website|server|d|part2)$")
_TLD = re.compile(r"(?:^|-)(?:tld|ending|ext|part3)$")
#: The same where another name or a class says that it is mail.
_LOCAL_OF_MAIL = re.compile(r"(?:^|-)(?:first|before|left|a|id|(?:e-?)?mail)$")
_DOMAIN_OF_MAIL = re.compile(r"(?:^|-)(?:second|after|right|b|at)$")
_TLD_OF_MAIL = re.compile(r"(?:^|-)(?:last|third|c|dot)$")
_LOCAL_VALUE = re.compile(r"[\w.+-]{1,64}")
_DOMAIN_VALUE = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}")
#: Attributes that show or copy a text, beside those of data.
_TELLING = (
    "name()='title' or name()='alt' or name()='aria-label' or name()='value'"
    " or name()='x-data' or contains(name(), 'mail')"
)
_MAY_WRITE = re.compile(r"mailto|lto:|\.href\s*=|location")
_MAX_VALUE = 2_000
#: Characters of one script that are looked at; whole libraries hide no address.
_MAX_SCRIPT = 20_000


def decode_cfemail(code: str) -> str | None:
    """Undo Cloudflare's hiding: the first byte is the XOR key of the rest."""
    try:
        data = bytes.fromhex(code)
        return bytes(byte ^ data[0] for byte in data[1:]).decode("utf-8") or None
    except (ValueError, IndexError):
        return None


def hidden_addresses(page: HtmlElement) -> Iterator[str]:
    """Give the texts that hold hidden addresses, in the order of the page's elements."""
    yield from _in_links(page)
    yield from _in_attributes(page)
    for script in page.xpath("//script[not(@src)]"):
        text = script.text or ""
        if len(text) <= _MAX_SCRIPT:
            yield from script_addresses(text)


def _in_links(page: HtmlElement) -> Iterator[str]:
    for href in page.xpath("//@href | //@onclick | //@action"):
        if code := _CFEMAIL_HREF.search(href):
            yield decode_cfemail(code[1]) or ""
        elif call := _TYPO3_CALL.search(href):
            yield _typo3(unquote(call[1]))
        elif crypt := _CRYPTX_CALL.search(href):
            yield _cryptx(crypt[1]).removeprefix("mailto:")
        elif found := ROT13_MAILTO.search(href):
            yield codecs.decode(found[1], "rot13")
    for code in page.xpath("//@data-cfemail"):
        yield decode_cfemail(code) or ""


def _in_attributes(page: HtmlElement) -> Iterator[str]:
    for element in page.xpath("//joomla-hidden-mail"):
        parts = (
            from_base64_text(element.get(name) or "") for name in ("first", "last")
        )
        yield "@".join(parts)
    for token in page.xpath("//@data-mailto-token"):
        yield _typo3(token)
    for code in page.xpath("//@data-enc-email"):
        yield codecs.decode(code.replace("[at]", "@"), "rot13")
    for element in page.xpath("//*[@*[starts-with(name(), 'data-')]]"):
        yield _from_parts(element)
    names = "contains(name(), 'mail') or contains(name(), 'contact')"
    is_plain = "starts-with(name(), 'data-') and name() != 'data-enc-email'"
    for value in page.xpath(f"//@*[{is_plain} and ({names})]"):
        yield value
        if len(value) < _MAX_VALUE and not any(addresses_in(value)):
            yield value[::-1]
    has_sign = "contains(., '@') or contains(., '%40')"
    for value in page.xpath(f"//@*[({is_plain} or {_TELLING}) and ({has_sign})]"):
        if len(value) < _MAX_VALUE:
            yield unquote(value)
    for value in page.xpath(f"//@*[{is_plain} and string-length(.) < 400]"):
        yield from_base64(value)
    for script in page.xpath("//@*[starts-with(name(), 'on')] | //@href"):
        if script.startswith("javascript:") or _MAY_WRITE.search(script):
            yield from script_addresses(script[:_MAX_VALUE])


def _from_parts(element: HtmlElement) -> str:
    """Put an address together whose parts stand in attributes of one element."""
    parts = {name: v for name, v in element.attrib.items() if name.startswith("data-")}
    if len(parts) < 2:
        return ""
    told = f"{element.get('class') or ''} {element.get('href') or ''} {' '.join(parts)}"
    is_mail = "mail" in told.lower() or "contact" in told.lower()

    def part(name: re.Pattern[str], of_mail: re.Pattern[str]) -> str:
        forms = (name, of_mail) if is_mail else (name,)
        found = (v for form in forms for n, v in parts.items() if form.search(n[5:]))
        return str(next(found, "")).strip()

    local, domain = part(_LOCAL, _LOCAL_OF_MAIL), part(_DOMAIN, _DOMAIN_OF_MAIL)
    ending = part(_TLD, _TLD_OF_MAIL).lstrip(".")
    whole = f"{domain}.{ending}" if ending and not domain.endswith(ending) else domain
    if not _LOCAL_VALUE.fullmatch(local) or not _DOMAIN_VALUE.fullmatch(whole):
        return ""
    if is_turned_domain(whole):
        return f"{local[::-1]}@{whole[::-1]}"
    return f"{local}@{whole}"


def _cryptx(code: str) -> str:
    """Undo CryptX: each character is one further on, or as far as the digit before says."""
    digits, signs = code[::2], code[1::2]
    if len(signs) == len(digits) and digits.isdigit():
        pairs = zip(digits, signs, strict=True)
        return "".join(chr(max(ord(sign) - int(by), 0)) for by, sign in pairs)
    return "".join(chr(max(ord(char) - 1, 0)) for char in code)


def _typo3(code: str) -> str:
    """Try every shift until the text begins with mailto:, as TYPO3's own script does."""
    for shift in range(-26, 27):
        text = code.translate(_shifted(shift))
        if text.startswith("mailto:"):
            return text[len("mailto:") :]
    return ""


def _shifted(shift: int) -> dict[int, str]:
    return {
        ord(char): chars[(at + shift) % len(chars)]
        for chars in _TYPO3_RANGES
        for at, char in enumerate(chars)
    }
