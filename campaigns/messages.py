"""Build the mail itself: headers around the texts and files. Pure.

Headers follow RFC 5322; one-click unsubscribing follows RFC 2369 and RFC 8058.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from campaigns.mime_writing import (
    Entity,
    address_header,
    multipart,
    text_entity,
    text_header,
    token_header,
)

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: What XML can't hold, and so lxml refuses; tab and line ends stay.
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything a mail is made of; both texts are complete."""

    from_name: str
    from_address: str
    to_address: str
    subject: str
    html: str
    text: str
    message_id: str
    date: datetime
    unsubscribe_url: str = ""
    reply_to: str = ""
    #: The mail that this one answers, and all before it in the thread (RFC 5322, 3.6.4).
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    #: Shown inside the HTML by their Content-IDs.
    images: tuple[Entity, ...] = ()
    attachments: tuple[Entity, ...] = ()


def build(letter: Letter) -> bytes:
    """Give the mail as it goes over the wire: 7 bits, lines ended by CR LF.

    Whatever stands in the fields makes one header each: line breaks become blanks.
    Raises InvalidInput for an address that no header can hold.
    """
    content = _content(letter)
    headers = (*_headers(letter), "MIME-Version: 1.0", *content.headers)
    return Entity(headers, content.body).written() + b"\r\n"


def _headers(letter: Letter) -> list[str]:
    headers = [
        address_header("From", one_line(letter.from_name), letter.from_address),
        address_header("To", "", letter.to_address),
        text_header("Subject", one_line(letter.subject)),
        f"Date: {format_datetime(letter.date)}",
        token_header("Message-ID", [letter.message_id]),
    ]
    if letter.in_reply_to:
        headers += [
            token_header("In-Reply-To", [letter.in_reply_to]),
            token_header("References", letter.references),
        ]
    if letter.reply_to:
        headers.append(address_header("Reply-To", "", letter.reply_to))
    if letter.unsubscribe_url:
        headers += [
            token_header("List-Unsubscribe", [f"<{letter.unsubscribe_url}>"]),
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        ]
    return headers


def _content(letter: Letter) -> Entity:
    """Nest what there is: mixed, in it related, in it alternative."""
    content = multipart(
        "alternative",
        [
            text_entity(xml_text(letter.text), "plain"),
            text_entity(xml_text(letter.html), "html"),
        ],
        salt=letter.message_id,
    )
    if letter.images:
        content = multipart(
            "related", [content, *letter.images], salt=letter.message_id
        )
    if letter.attachments:
        content = multipart(
            "mixed", [content, *letter.attachments], salt=letter.message_id
        )
    return content


def one_line(text: str) -> str:
    """Make text fit for a header: one line, no control characters, no surrogates."""
    return " ".join(_CONTROLS.sub(" ", xml_text(text)).split())


def xml_text(text: str) -> str:
    """Replace the characters that neither XML nor lxml can hold."""
    return _NOT_XML.sub("\ufffd", text)
