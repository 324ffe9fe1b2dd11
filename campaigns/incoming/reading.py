"""Gather what the deciding code asks of a message: its texts, reports, enclosed mail."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import getaddresses

from campaigns.incoming.html_texts import text_of_html
from campaigns.incoming.mime import Headers, Part, is_enclosing, read_message

#: Characters of a text that are looked at; a notice says its matter at the beginning.
MAX_TEXT = 200_000
_NO_MAIL = Headers(b"")
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_ADDRESS = re.compile(r"[^\s<>\"'(),;:\[\]\\@]{1,64}@[\w.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as the deciding code sees it."""

    headers: Headers
    #: What people read: the plain parts, or the HTML ones as text.
    text: str
    #: The report's fields by media type, decoded.
    reports: dict[str, list[str]] = field(default_factory=dict)
    #: The headers of the mail that this one is about, empty without one.
    original: Headers = _NO_MAIL
    #: Delivery reports within enclosed mail: some servers wrap a whole bounce.
    enclosed_reports: tuple[str, ...] = ()
    #: report-type of multipart/report, else "".
    report_type: str = ""

    @property
    def subject(self) -> str:
        """The subject with its white space evened out."""
        return " ".join(self.headers.text("subject").split())

    @property
    def sender(self) -> str:
        """The address in From, lower case, else ""."""
        return first_address(self.headers.text("from"))


def read_incoming(raw: bytes) -> Incoming:
    """Read a raw message; never raises, whatever the bytes are."""
    message = read_message(raw)
    plain: list[str] = []
    html: list[str] = []
    reports: dict[str, list[str]] = {}
    original = _NO_MAIL
    for part in message.own_parts():
        kind = part.media_type
        if is_enclosing(kind) or kind.endswith("rfc822-headers"):
            if not original:
                original = _enclosed(part)
        elif kind.startswith("message/"):
            reports.setdefault(_report_name(kind), []).append(part.text[:MAX_TEXT])
        elif kind == "text/html":
            html.append(part.text[:MAX_TEXT])
        elif kind.startswith("text/") and not part.is_attachment:
            plain.append(part.text[:MAX_TEXT])
    text = "\n".join(plain)
    if not text.strip() and html:
        text = "\n".join(text_of_html(each, with_addresses=True) for each in html)
    return Incoming(
        headers=message.headers,
        text=text[:MAX_TEXT],
        reports=reports,
        original=original,
        enclosed_reports=tuple(
            part.text[:MAX_TEXT]
            for part in message.walk()
            if part.media_type in _STATUS_TYPES and not reports
        ),
        report_type=message.headers.parameter("content-type", "report-type").lower(),
    )


def _report_name(media_type: str) -> str:
    return _STATUS_TYPES[0] if media_type in _STATUS_TYPES else media_type


def _enclosed(part: Part) -> Headers:
    if part.parts:
        return part.parts[0].headers
    return Headers(part.text.encode("utf-8", "replace").partition(b"\n\n")[0])


def first_address(value: str) -> str:
    """Return the first address in a header's value, in lower case, else ""."""
    for address in _addresses(value[:2000]):
        if "@" in address:
            return address.lower()
    found = _ADDRESS.search(value[:2000])
    return found[0].lower() if found else ""


def _addresses(value: str) -> list[str]:
    try:
        return [address for _, address in getaddresses([value])]
    except RecursionError:  # its parser calls itself for each colon
        return []
