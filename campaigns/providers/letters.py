"""A finished mail as a provider's web service takes it: in pieces instead of bytes."""

from __future__ import annotations

from email.encoders import encode_base64
from email.message import EmailMessage as Mail
from email.message import MIMEPart
from email.mime.base import MIMEBase
from email.parser import BytesParser
from email.policy import SMTP

from anymail.message import AnymailMessage

from campaigns.fates import Envelope

#: Headers that the web services have fields of their own for, or write themselves.
_FIELDS = {"from", "to", "subject", "reply-to", "date", "mime-version"}


def message_of(envelope: Envelope) -> AnymailMessage:
    """Take a mail apart: both texts, attachments, inline pictures, further headers."""
    mail = BytesParser(_class=Mail, policy=SMTP).parsebytes(envelope.content)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    message = AnymailMessage(
        subject=str(mail["Subject"] or ""),
        body=_text(text),
        from_email=str(mail["From"] or envelope.sender),
        to=[envelope.recipient],
        reply_to=[str(value) for value in mail.get_all("Reply-To", [])],
        headers=_headers(mail),
    )
    if html is not None:
        message.attach_alternative(_text(html), "text/html")
    for part in mail.walk():
        if not part.is_multipart() and part is not text and part is not html:
            message.attach(_attachment(part))
    return message


def message_id_of(envelope: Envelope) -> str:
    """Give a mail's Message-ID with its brackets; blank when it has none."""
    head = envelope.content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return str(
        BytesParser(_class=Mail, policy=SMTP).parsebytes(head)["Message-ID"] or ""
    )


def _headers(mail: Mail) -> dict[str, str]:
    return {
        name: str(value)
        for name, value in mail.items()
        if name.lower() not in _FIELDS and not name.lower().startswith("content-")
    }


def _text(part: MIMEPart | None) -> str:
    if part is None:
        return ""
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def _attachment(part: MIMEPart) -> MIMEBase:
    made = MIMEBase(part.get_content_maintype(), part.get_content_subtype())
    payload = part.get_payload(decode=True)
    made.set_payload(payload if isinstance(payload, bytes) else b"")
    encode_base64(made)
    disposition = part.get_content_disposition() or "attachment"
    name = part.get_filename()
    made.add_header(
        "Content-Disposition", disposition, **({"filename": name} if name else {})
    )
    if part["Content-ID"]:
        made["Content-ID"] = str(part["Content-ID"])
    return made
