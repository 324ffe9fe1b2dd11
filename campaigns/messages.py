"""Build the mail itself: MIME, headers, footer, tracked links. Pure.

Headers follow RFC 5322; one-click unsubscribing follows RFC 2369 and RFC 8058.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import lxml.html
from inscriptis import get_text
from inscriptis.model.config import ParserConfig
from lxml.etree import ParserError
from lxml.html import builder

from fliptech_site.errors import InvalidInput

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: What XML can't hold, and so lxml refuses; tab and line ends stay.
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
#: Text around a link is worth more than a column: no wrapping of long lines.
_TEXT_CONFIG = ParserConfig(display_links=True)


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


@dataclass(frozen=True, slots=True)
class Footer:
    """What stands under every mail: who sent it, from where, and how to stop it."""

    sender: str
    postal_address: str
    unsubscribe_url: str

    @property
    def origin(self) -> str:
        """The sender and the postal address, which may begin with the same name."""
        if self.postal_address.startswith(self.sender):
            return self.postal_address
        return f"{self.sender}, {self.postal_address}"


def build(letter: Letter) -> bytes:
    """Give the mail as it goes over the wire, lines ended by CR LF.

    Whatever stands in the fields makes one header each: line breaks become blanks.
    Raises InvalidInput for an address that no header can hold.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(letter.from_name, letter.from_address)
    message["To"] = _address("", letter.to_address)
    message["Subject"] = one_line(letter.subject)
    message["Date"] = format_datetime(letter.date)
    message["Message-ID"] = letter.message_id
    if letter.in_reply_to:
        message["In-Reply-To"] = letter.in_reply_to
        message["References"] = " ".join(letter.references)
    if letter.reply_to:
        message["Reply-To"] = _address("", letter.reply_to)
    if letter.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # Not every server takes 8-bit text; quoted-printable goes through all of them.
    message.set_content(xml_text(letter.text), cte="quoted-printable")
    message.add_alternative(
        xml_text(letter.html), subtype="html", cte="quoted-printable"
    )
    return re.sub(rb"\r\n|\r|\n", b"\r\n", message.as_bytes())


def one_line(text: str) -> str:
    """Make text fit for a header: one line, no control characters, no surrogates."""
    return " ".join(_CONTROLS.sub(" ", xml_text(text)).split())


def finish_html(
    html: str,
    *,
    footer: Footer,
    link_of: Callable[[str], str] | None = None,
    pixel_url: str = "",
    trap_url: str = "",
) -> str:
    """Complete the HTML part: tracked links, the footer, the pixel, the hidden link.

    `link_of` gives the address that stands in for a web link; the unsubscribe link
    and everything that is not http stay as they are.
    """
    document = parse(html)
    if link_of is not None:
        for anchor in document.iter("a"):
            target = (anchor.get("href") or "").strip()
            is_web = target.lower().startswith(("http://", "https://"))
            if is_web and target != footer.unsubscribe_url:
                anchor.set("href", link_of(target))
    body = document.find("body")
    assert body is not None
    body.append(_html_footer(footer))
    if trap_url:
        # No person sees it or can reach it by keys; a scanner follows it with the others.
        hidden = {"aria-hidden": "true", "tabindex": "-1", "style": "display:none"}
        body.append(builder.A(hidden, href=trap_url))
    if pixel_url:
        body.append(
            builder.IMG(src=pixel_url, width="1", height="1", alt="", border="0")
        )
    made: str = lxml.html.tostring(document, encoding="unicode", method="html")
    return f"<!doctype html>\n{made}"


def parse(html: str) -> lxml.html.HtmlElement:
    """Read HTML as a whole document with a body; nothing at all makes an empty one."""
    try:
        document = lxml.html.document_fromstring(xml_text(html))
    except ParserError:  # Nothing but blanks or comments.
        document = lxml.html.document_fromstring("<p></p>")
    if document.find("body") is None:  # A frameset, say.
        document.append(builder.BODY())
    return document


def finish_text(text: str, *, footer: Footer) -> str:
    """Complete the text part with the footer."""
    lines = [footer.origin]
    if footer.unsubscribe_url:
        lines.append(f"Stop these mails: {footer.unsubscribe_url}")
    return "\n".join([text.rstrip(), "", "-- ", *lines, ""])


def text_of(html: str) -> str:
    """Give the text of an HTML body; links stand behind their words in brackets."""
    return str(get_text(xml_text(html), _TEXT_CONFIG)).strip()


def _html_footer(footer: Footer) -> lxml.html.HtmlElement:
    parts: list[object] = [footer.origin]
    if footer.unsubscribe_url:
        parts += [
            builder.BR(),
            builder.A("Stop these mails", href=footer.unsubscribe_url),
        ]
    return builder.DIV(
        *parts,
        style="margin-top:32px;font:13px/1.5 sans-serif;color:#595959",
    )


def xml_text(text: str) -> str:
    """Replace the characters that neither XML nor lxml can hold."""
    return _NOT_XML.sub("\ufffd", text)


def _address(name: str, address: str) -> Address:
    try:
        return Address(display_name=one_line(name), addr_spec=address)
    except (ValueError, IndexError, MessageError):
        raise InvalidInput(
            f"{address[:100]!r} can't stand in a mail's header: correct the address."
        ) from None
