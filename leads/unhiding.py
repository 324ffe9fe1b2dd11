"""Undo what sites do to their addresses so that machines don't find them. Pure.

Known ways: Cloudflare, TYPO3, Joomla, scripts that put an address together, ROT13,
base64, and attributes that hold its two halves.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import string
from collections.abc import Iterator
from urllib.parse import unquote

from lxml.html import HtmlElement

from leads.character_references import unescape

_CFEMAIL_HREF = re.compile(r"/cdn-cgi/l/email-protection#([0-9a-f]+)", re.IGNORECASE)
_TYPO3_CALL = re.compile(r"linkTo_UnCryptMailto\(\s*['\"%27]*([^'\"]+?)(?:%27|['\"])")
#: The ranges inside which TYPO3 shifts characters.
_TYPO3_RANGES = (
    "+,-./0123456789:",
    f"@{string.ascii_uppercase}",
    string.ascii_lowercase,
)
_JOINED_STRINGS = re.compile(r"(['\"])\s*\+\s*(['\"])")
#: `addy = addy + 'more'` continues the string that the variable holds.
_CONTINUED = re.compile(
    r"(['\"])\s*;?\s*(?:var\s+)?(\w+)\s*(?:\+=|=\s*\2\s*\+)\s*(['\"])"
)
_UNESCAPE = re.compile(r"unescape\(\s*['\"]([^'\"]+)['\"]", re.IGNORECASE)
_CHAR_CODES = re.compile(r"fromCharCode\(([\d\s,]+)\)")
_ESCAPED_CHAR = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4}))", re.IGNORECASE)
#: What a script that writes an address into the page has about it.
_WRITES_ADDRESS = re.compile(
    r"mailto|cloak|addy|document\.write|innerHTML", re.IGNORECASE
)
_STRING = re.compile(
    r"(['\"])((?:(?!\1)[^\\\n]|\\.){0,300}@(?:(?!\1)[^\\\n]|\\.){0,300})\1"
)
_MAILTO_STRING = re.compile(r"mailto:\s*([^'\"<>\s?]+@[^'\"<>\s?]+)", re.IGNORECASE)
_ROT13_MAILTO = re.compile(r"znvygb:([^'\"<>\s]+)", re.IGNORECASE)
_BASE64_VALUE = re.compile(r"[A-Za-z0-9+/_-]{8,400}={0,2}")
_BASE64_CALL = re.compile(r"atob\(\s*['\"]([A-Za-z0-9+/=_-]{8,400})['\"]")
_LOCAL_ATTRIBUTES = ("data-user", "data-name", "data-local", "data-u", "data-account")
_DOMAIN_ATTRIBUTES = ("data-domain", "data-host", "data-d", "data-website")
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
        elif found := _ROT13_MAILTO.search(href):
            yield codecs.decode(found[1], "rot13")
    for code in page.xpath("//@data-cfemail"):
        yield decode_cfemail(code) or ""


def _in_attributes(page: HtmlElement) -> Iterator[str]:
    for token in page.xpath("//@data-mailto-token"):
        yield _typo3(token)
    for code in page.xpath("//@data-enc-email"):
        yield codecs.decode(code.replace("[at]", "@"), "rot13")
    halves = " or ".join(f"@{name}" for name in _DOMAIN_ATTRIBUTES)
    for element in page.xpath(f"//*[{halves}]"):
        yield _from_halves(element)
    names = "contains(name(), 'mail') or contains(name(), 'contact')"
    is_plain = "starts-with(name(), 'data-') and name() != 'data-enc-email'"
    for value in page.xpath(f"//@*[{is_plain} and ({names})]"):
        yield value
        yield _from_base64(value)


def _from_halves(element: HtmlElement) -> str:
    local = next((v for n in _LOCAL_ATTRIBUTES if (v := element.get(n))), "")
    domain = next((v for n in _DOMAIN_ATTRIBUTES if (v := element.get(n))), "")
    ending = element.get("data-tld")
    if not local or not domain:
        return ""
    return f"{local}@{domain}{'.' + ending if ending else ''}"


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


def _from_base64(value: str) -> str:
    if not _BASE64_VALUE.fullmatch(value.strip()):
        return ""
    try:
        padded = value.strip() + "=" * (-len(value.strip()) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        return ""
    return text.removeprefix("mailto:") if "@" in text else ""


def script_addresses(script: str) -> Iterator[str]:
    """Give the addresses that a script writes into the page, and no others.

    A string with an address in it proves nothing: it has to go into a link, or into
    the page in several parts.
    """
    if not _WRITES_ADDRESS.search(script) and "atob(" not in script:
        return
    for code in _UNESCAPE.findall(script):
        yield from _MAILTO_STRING.findall(unescape(unquote(code)))
    for codes in _CHAR_CODES.findall(script):
        yield _from_codes(codes)
    for code in _BASE64_CALL.findall(script):
        yield _from_base64(code)
    for code in _ROT13_MAILTO.findall(script):
        yield codecs.decode(code, "rot13")
    script = re.sub(r"\s{2,}", " ", script)
    plain = _ESCAPED_CHAR.sub(lambda m: chr(int(m[1] or m[2], 16)), script)
    joined = _CONTINUED.sub("", _JOINED_STRINGS.sub("", plain))
    joined = unescape(joined)
    yield from _MAILTO_STRING.findall(joined)
    if joined != unescape(plain):
        # Only what had been taken apart was meant to be hidden.
        whole = {found[2] for found in _STRING.finditer(unescape(plain))}
        for found in _STRING.finditer(joined):
            if found[2] not in whole:
                yield found[2]


def _from_codes(codes: str) -> str:
    numbers = [int(code) for code in codes.split(",") if code.strip().isdigit()]
    text = "".join(chr(number) for number in numbers if number < 0x110000)
    return text if "@" in text else ""
