"""Messages for these tests, written for them after what mail programs send."""

from __future__ import annotations

SENDER = "anna@studio.example"


def letter(body: str, *, charset: str = "utf-8", **headers: str) -> bytes:
    """Build a raw mail; `in_reply_to` becomes In-Reply-To."""
    fields = {
        "from": "Bob <bob@shop.example>",
        "to": f"Anna <{SENDER}>",
        "subject": "Re: Your website",
        "message_id": "<m1@shop.example>",
        "in_reply_to": "<c1@studio.example>",
        "mime_version": "1.0",
        "content_type": f"text/plain; charset={charset}",
    } | headers
    head = "".join(
        f"{name.replace('_', '-').title()}: {value}\r\n"
        for name, value in fields.items()
        if value
    )
    return (head + "\r\n" + body.replace("\n", "\r\n")).encode(charset)


def notice(body: str, **headers: str) -> bytes:
    """Build what a mail server writes to people about a mail."""
    return letter(
        body,
        **{
            "from": "Mail Delivery System <MAILER-DAEMON@mx.example>",
            "subject": "Undelivered Mail Returned to Sender",
            "in_reply_to": "",
        }
        | headers,
    )


def report(
    fields: str, *, human: str = "Sorry.", kind: str = "message/delivery-status"
) -> bytes:
    """Build a delivery report of three parts (RFC 3464)."""
    body = (
        f"--b1\nContent-Type: text/plain\n\n{human}\n"
        f"--b1\nContent-Type: {kind}\n\n"
        f"Reporting-MTA: dns; mx.example\n\n{fields}\n"
        "--b1\nContent-Type: text/rfc822-headers\n\n"
        f"From: {SENDER}\nTo: original@shop.example\nSubject: Your website\n--b1--\n"
    )
    return notice(
        body,
        content_type='multipart/report; report-type=delivery-status; boundary="b1"',
    )
