"""Take the new text out of a raw reply, whatever form its body has. Pure."""

from __future__ import annotations

import re

from campaigns.incoming.html_texts import text_of_html
from campaigns.incoming.mime import Part, is_enclosing, read_message
from campaigns.incoming.reply_texts import new_text_of

_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype|html|head|body|div|p|table|span|meta|br)\b",
    re.IGNORECASE,
)
#: Headers of which two make a file a mail rather than a text.
_MAIL = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "received",
    "content-type",
)


def new_text_of_mail(raw: bytes) -> str:
    """Return what a person newly wrote; takes a mail or a plain text, never raises.

    The plain part is read where there is one, since it keeps how lines were quoted.
    """
    message = read_message(raw)
    if sum(name in message.headers for name in _MAIL) < 2:
        text = Part(
            message.headers.__class__(b""), raw[: 2 * 1024 * 1024], "text/plain"
        ).text
        return new_text_of(text_of_html(text) if _HTML.match(text) else text)
    return new_text_of(body_of(message))


def body_of(message: Part) -> str:
    """Return the text that people read, of HTML only where there is no plain text."""
    plain: list[str] = []
    html: list[str] = []
    for part in message.own_parts():
        if part.is_attachment or is_enclosing(part.media_type):
            continue
        if part.media_type == "text/html":
            html.append(text_of_html(part.text))
        elif part.media_type == "text/plain":
            plain.append(_unflowed(part))
    text = "\n".join(plain)
    return text if text.strip() else "\n".join(html)


def _unflowed(part: Part) -> str:
    """Join lines that the program wrapped itself (RFC 3676)."""
    if part.headers.parameter("content-type", "format").lower() != "flowed":
        return part.text
    deletes_space = part.headers.parameter("content-type", "delsp").lower() == "yes"
    joined: list[str] = []
    pieces: list[str] = []
    for line in part.text.split("\n"):
        line = line.removeprefix(" ")
        is_soft = line.endswith(" ") and line != "-- " and not line.startswith(">")
        if pieces and (line.startswith(">") or line == "-- "):
            joined.append("".join(pieces))
            pieces = []
        pieces.append(line[:-1] if is_soft and deletes_space else line)
        if not is_soft:
            joined.append("".join(pieces))
            pieces = []
    return "\n".join([*joined, "".join(pieces)])
