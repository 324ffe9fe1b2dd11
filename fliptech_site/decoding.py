"""Turn the bytes of a page into text as a browser would, and better. Pure; never raises.

Sites declare the wrong character set, none, or encode twice; what the bytes prove comes
before what the page says of itself.
"""

from __future__ import annotations

import codecs
import re

import ftfy
from ftfy.badness import is_bad
from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    resolve_encoding,
)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Bytes looked at to tell UTF-16 without a mark from other texts.
_SAMPLE = 1024
#: Where UTF-8 that was taken for Windows-1252 begins to show.
_TWICE_ENCODED = re.compile("[ÂÃÄÅâ][\x80-\xff\u0152-\u2122]")


def decode(content_type: str | None, body: bytes) -> str:
    """Decode a page by its mark, by proof, by header, by meta tag, else as UTF-8.

    Text that is UTF-8 is read as such whatever single-byte set is declared, and text
    that calls itself UTF-8 and is Windows-1252 is read as what it is; what was encoded
    twice is put right.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    if encoding := _unmarked_utf16(body):
        return body.decode(encoding, errors="replace")
    return repair(_decode(content_type, body))


def repair(text: str) -> str:
    """Put right lines that were encoded twice: `CafÃ©` is `Café`."""
    if text.isascii() or not _TWICE_ENCODED.search(text):
        return text
    return "".join(
        ftfy.fix_encoding(line) if _is_twice_encoded(line) else line
        for line in text.splitlines(keepends=True)
    )


def _is_twice_encoded(line: str) -> bool:
    return bool(_TWICE_ENCODED.search(line)) and is_bad(line)


def _decode(content_type: str | None, body: bytes) -> str:
    declared = _declared(content_type, body)
    is_utf8, text = _as_utf8(body)
    if is_utf8 and (declared is None or _is_single_byte(declared)):
        return text
    if declared and declared != "utf-8":
        try:
            return body.decode(declared, errors="replace")
        except (LookupError, ValueError):
            # A page may declare a codec that is none for text: charset=punycode.
            return text
    unreadable = text.count("\ufffd")
    others = sum(not char.isascii() for char in text) - unreadable if unreadable else 0
    return body.decode("cp1252", errors="replace") if unreadable > others else text


def _declared(content_type: str | None, body: bytes) -> str | None:
    """Give the codec that the header or the page names, None for none or nonsense."""
    named = http_content_type_encoding(content_type) or html_body_declared_encoding(
        body
    )
    found = resolve_encoding(named) if named else None
    # A page that could say so in ASCII is not written in UTF-16.
    return None if found is None or found.startswith(("utf-16", "utf-32")) else found


def _as_utf8(body: bytes) -> tuple[bool, str]:
    try:
        return True, body.decode("utf-8")
    except UnicodeDecodeError as error:
        # A page that is cut may end in the middle of a character.
        is_cut = error.end >= len(body) and error.reason == "unexpected end of data"
        return is_cut, body.decode("utf-8", errors="replace")


def _is_single_byte(encoding: str) -> bool:
    name = codecs.lookup(encoding).name
    return name.startswith(
        ("ascii", "cp125", "iso8859", "latin", "koi8", "mac", "utf-8")
    )


def _unmarked_utf16(body: bytes) -> str:
    """Name the UTF-16 codec of a text without a mark, by where its NULs stand."""
    sample = body[:_SAMPLE]
    pairs = len(sample) // 2
    if pairs < 4 or b"\x00" not in sample:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > pairs * 0.6 and even < pairs * 0.1:
        return "utf-16-le"
    if even > pairs * 0.6 and odd < pairs * 0.1:
        return "utf-16-be"
    return ""
