"""Read a raw message into parts, whatever is broken in it. Pure.

The standard library's parser looks at every open boundary for each line and fails with
RecursionError on deep nesting; this one is linear, bounded and raises nothing.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from itertools import islice

#: Bytes that are read of a message: what tells its kind stands at its beginning.
MAX_BYTES = 2 * 1024 * 1024
#: Bytes that are read of the headers of a message or a part.
MAX_HEAD = 128 * 1024
MAX_VALUE = 8_000
MAX_DEPTH = 10
MAX_PARTS = 300

_HEADER = re.compile(r"([!-9;-~]{1,80})[ \t]*:[ \t]*(.*)", re.DOTALL)
_FOLD = re.compile(r"\n[ \t]+")
_PARAMETER = re.compile(r";\s*([\w.*-]{1,40})\s*=\s*(?:\"([^\"]*)\"|([^;\s]*))")
_MEDIA_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)")
_GUESSED_BOUNDARY = re.compile(
    rb"(?m)^--(\S[^\n]{3,70}?)[ \t]*\nContent-", re.IGNORECASE
)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
#: ISO-2022-JP names itself by how it changes letters.
_JAPANESE = re.compile(rb"\x1b\$[@B]")
#: Their decoders take quadratic time or read no text.
_REFUSED_CHARSETS = {"punycode", "idna", "unicode_escape", "raw_unicode_escape"}


class Headers:
    """The header fields of a message or a part, by name in lower case."""

    def __init__(self, head: bytes) -> None:
        self._fields: dict[str, list[str]] = {}
        text = _FOLD.sub(" ", _decoded(head[:MAX_HEAD], ""))
        for line in text.split("\n"):
            if found := _HEADER.fullmatch(line):
                value = found[2][:MAX_VALUE].strip()
                self._fields.setdefault(found[1].lower(), []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __len__(self) -> int:
        return len(self._fields)

    def raw(self, name: str) -> str:
        """Return the first value as it stands, "" without one."""
        return self._fields.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        """Return all values of a name, encoded words decoded."""
        return [decode_words(value) for value in self._fields.get(name, [])]

    def text(self, name: str) -> str:
        """Return the first value with its encoded words decoded, "" without one."""
        return decode_words(self.raw(name))

    def parameter(self, name: str, key: str) -> str:
        """Return a parameter such as the charset of `content-type`, "" without one."""
        for found in _PARAMETER.finditer(self.raw(name)):
            if found[1].lower() == key:
                return found[2] if found[2] is not None else found[3]
        return ""

    def names(self) -> Iterator[str]:
        """Yield the names that occur."""
        yield from self._fields


@dataclass(frozen=True, slots=True)
class Part:
    """A message or one part of it; `body` is as it was sent, still encoded."""

    headers: Headers
    body: bytes
    media_type: str
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """The decoded body; what is no text comes out as replacement characters."""
        body = _transferred(self.body, self.headers.raw("content-transfer-encoding"))
        return _decoded(body, self.headers.parameter("content-type", "charset"))

    @property
    def is_attachment(self) -> bool:
        """Whether the sender meant it as a file."""
        return self.headers.raw("content-disposition").lower().startswith("attachment")

    def walk(self) -> Iterator[Part]:
        """Yield this part and all within it, in the order they stand."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.parts))

    def own_parts(self) -> Iterator[Part]:
        """Yield the leaves of this message, without what enclosed messages hold."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            if part.parts and not is_enclosing(part.media_type):
                waiting.extend(reversed(part.parts))
            else:
                yield part


def is_enclosing(media_type: str) -> bool:
    """Say whether a type encloses a whole message."""
    return media_type in ("message/rfc822", "message/global", "message/news")


def read_message(raw: bytes) -> Part:
    """Read a message; input that is none becomes a part without headers."""
    raw = raw[:MAX_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\n \t")
    if raw.startswith((b"From ", b">From ")):  # an mbox's line
        raw = raw.partition(b"\n")[2]
    return _Reader().read(raw, "text/plain", 0)


class _Reader:
    def __init__(self) -> None:
        self._left = MAX_PARTS

    def read(self, raw: bytes, default_type: str, depth: int) -> Part:
        head, body = _split(raw)
        headers = Headers(head)
        found = _MEDIA_TYPE.match(headers.raw("content-type"))
        media_type = found[1].lower() if found else default_type
        parts: tuple[Part, ...] = ()
        if depth < MAX_DEPTH and self._left > 0:
            if media_type.startswith("multipart/"):
                parts = self._multipart(headers, media_type, body, depth)
            elif is_enclosing(media_type):
                encoding = headers.raw("content-transfer-encoding")
                inner = _transferred(body, encoding).replace(b"\r\n", b"\n")
                parts = (self.read(inner.lstrip(b"\n"), "text/plain", depth + 1),)
        if media_type.startswith("multipart/") and not parts:
            media_type = "text/plain"
        return Part(headers, body, media_type, parts)

    def _multipart(
        self, headers: Headers, media_type: str, body: bytes, depth: int
    ) -> tuple[Part, ...]:
        default = "message/rfc822" if media_type.endswith("digest") else "text/plain"
        parts = []
        for piece in _pieces(body, headers.parameter("content-type", "boundary")):
            if self._left <= 0:
                break
            self._left -= 1
            parts.append(self.read(piece, default, depth + 1))
        return tuple(parts)


def _split(raw: bytes) -> tuple[bytes, bytes]:
    """Tell headers from body; text that begins like no header is all body."""
    if raw.startswith(b"\n"):
        return b"", raw[1:]
    first = raw[:1000].partition(b"\n")[0].decode("latin-1")
    if not _HEADER.fullmatch(first):
        return b"", raw
    head, _, body = raw.partition(b"\n\n")
    return head, body


def _pieces(body: bytes, boundary: str) -> list[bytes]:
    marks = _marks(body, boundary.encode("utf-8", "replace")) if boundary else []
    if not marks and (guessed := _GUESSED_BOUNDARY.search(body)):
        marks = _marks(body, guessed[1])
    pieces = []
    for number, mark in enumerate(marks):
        if mark[1]:  # the end
            break
        ends = number + 1 < len(marks)
        end = marks[number + 1].start() if ends else len(body)
        pieces.append(body[mark.end() + 1 : end].removesuffix(b"\n"))
    return pieces


def _marks(body: bytes, boundary: bytes) -> list[re.Match[bytes]]:
    mark = re.compile(rb"(?m)^--" + re.escape(boundary.rstrip()) + rb"(--)?[ \t]*$")
    # One more than is read: it says where the last one ends.
    return list(islice(mark.finditer(body), MAX_PARTS + 1))


def _transferred(body: bytes, encoding: str) -> bytes:
    """Undo base64 and quoted-printable; what is broken stays as far as it was right."""
    encoding = encoding.strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        letters = _NOT_BASE64.sub(b"", body)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        try:
            return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
        except binascii.Error:
            return body
    return body


def _decoded(body: bytes, charset: str) -> str:
    charset = charset.strip("'\" ").lower()
    if charset in ("", "us-ascii") and _JAPANESE.search(body):
        charset = "iso-2022-jp"
    if charset.replace("-", "_") not in _REFUSED_CHARSETS:
        for name in filter(None, (charset, "utf-8")):
            try:
                return body.decode(name).replace("\r\n", "\n").replace("\x00", "")
            except (LookupError, ValueError):
                continue
    return body.decode("latin-1").replace("\r\n", "\n").replace("\x00", "")


def decode_words(value: str) -> str:
    """Decode RFC 2047's encoded words; broken ones stay as they are."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        piece if isinstance(piece, str) else _decoded(piece, charset or "")
        for piece, charset in pieces
    )
