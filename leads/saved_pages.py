"""Read a page that somebody saved: HTML, text or a browser's archive, or say what it is.

Saved pages come in every state; what can't be read ends in an outcome and a sentence.
"""

from __future__ import annotations

import email
import email.policy
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from fliptech_site.decoding import decode
from leads.character_references import unescape
from leads.outcomes import Outcome

#: Bytes of a file that are read; the largest real list pages have some megabytes.
MAX_BYTES = 20_000_000
#: How files begin that are no text, and what they are called.
_OTHER_FILES = {
    b"\x89PNG\r\n": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"RIFF": "a picture or a film",
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"bplist00": "a Safari archive: save the page as source text",
    b"SQLite format 3": "a database",
    b"\x7fELF": "a program",
    b"\x28\xb5\x2f\xfd": "a zstd archive: unpack it first",
    b"\xd0\xcf\x11\xe0": "an old office document",
}
#: An answer that is no page, as a browser dresses it.
_SHOWN_JSON = re.compile(
    r"\s*(?:<!doctype html>\s*)?<html[^>]*>\s*<head>(?:(?!<title).){0,2000}?</head>\s*"
    r"<body[^>]*>\s*<pre[^>]*>(\s*[{\[].*?)</pre>",
    re.IGNORECASE | re.DOTALL,
)
#: Share of control characters from which a file is no text, and no damaged page.
_TOO_BINARY, _TOO_DAMAGED = 0.05, 0.3
_MARKUP = re.compile(
    r"<(?:!doctype|html|head|body|title|meta|script|div|span|table|ul|ol|li|p|a)\b",
    re.IGNORECASE,
)
_ANY_ELEMENT = re.compile(
    r"<[a-z][a-z0-9-]*(?:\s+[a-z-]+=|\s*/?>)|</[a-z]", re.IGNORECASE
)


@dataclass(frozen=True)
class SavedPage:
    """What stands in a file; `text` is there when the outcome is ok or partial."""

    outcome: Outcome
    reason: str = ""
    text: str = ""
    #: The address that the file itself names, empty when it names none.
    url: str = ""
    #: The file could be opened at all.
    is_readable: bool = True

    @property
    def has_text(self) -> bool:
        """Whether there is something to read."""
        return self.outcome in (Outcome.OK, Outcome.PARTIAL)


def read_saved_file(path: Path) -> SavedPage:
    """Read a saved page from a file; never raises."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
            size = max(path.stat().st_size, len(data))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is none"
        reason = f"{str(path)!r} can't be read ({why}): check its name."
        return SavedPage(Outcome.ERROR, reason, is_readable=False)
    return read_saved(data, size=size)


def read_saved(data: bytes, *, size: int | None = None) -> SavedPage:
    """Read a saved page from its bytes; `size` is the file's when it has more."""
    size = len(data) if size is None else size
    if data[:2] == b"\x1f\x8b":
        data, size = _unpacked(data)
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        return SavedPage(Outcome.EMPTY, "The file has not a single character.")
    if what := _other_file(data):
        return SavedPage(Outcome.ERROR, f"The file is no page but {what}.")
    content_type, url = None, ""
    if archived := _archived_page(data):
        data, content_type, url = archived
    text = _unwrapped(decode(content_type, data[:MAX_BYTES]))
    if _is_binary(text):
        return SavedPage(Outcome.ERROR, "The file is no text: it is binary data.")
    if size > MAX_BYTES:
        reason = (
            f"The file has {size / 1e6:.0f} MB, of which the first"
            f" {MAX_BYTES / 1e6:.0f} MB are read."
        )
        return SavedPage(Outcome.PARTIAL, reason, text, url)
    return SavedPage(Outcome.OK, "", text, url)


def _unwrapped(text: str) -> str:
    """Take JSON out of the page that browsers show it on and save it as."""
    if found := _SHOWN_JSON.match(text):
        inner = unescape(found[1]).strip()
        return inner if inner.startswith(("{", "[")) else text
    return text


def _unpacked(data: bytes) -> tuple[bytes, int]:
    """Unpack gzip up to the limit; what is damaged gives what stands before."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpacker.decompress(data, MAX_BYTES + 1)
    except (zlib.error, gzip.BadGzipFile, EOFError):
        text = b""
    return text, len(text)


def _other_file(data: bytes) -> str:
    return next(
        (what for start, what in _OTHER_FILES.items() if data.startswith(start)), ""
    )


def _archived_page(data: bytes) -> tuple[bytes, str, str] | None:
    """Give the page of a browser's archive (MHTML), its type and its address."""
    head = data[:4096].lower()
    if b"multipart/related" not in head or b"mime-version:" not in head:
        return None
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    for part in message.walk():
        if part.get_content_type() == "text/html":
            body = part.get_payload(decode=True)
            url = part.get("Content-Location") or ""
            found = url or message.get("Snapshot-Content-Location") or ""
            return (
                body if isinstance(body, bytes) else b"",
                str(part.get("Content-Type") or ""),
                found if found.startswith(("http://", "https://")) else "",
            )
    return None


def is_markup(text: str) -> bool:
    """Say whether a text is HTML and not a plain one: `<joe@shop.example>` is none."""
    return bool(_MARKUP.search(text) or _ANY_ELEMENT.search(text))


def _is_binary(text: str) -> bool:
    sample = text[:20_000]
    strange = sum(
        (char < " " and char not in "\t\n\r\f\v\x1b") or char == "\ufffd"
        for char in sample
    )
    limit = _TOO_DAMAGED if _MARKUP.search(sample) else _TOO_BINARY
    return strange > len(sample) * limit
