"""Turn what one of us wrote into the mail: text, signature, the message that is answered.

It is a letter between people: no pixel, no tracked links, no list headers.
"""

from __future__ import annotations

import html as html_text

from django.utils import timezone
from django.utils.formats import date_format

from campaigns.messages import Letter, build, one_line
from campaigns.models import Account, Email, WrittenAnswer
from campaigns.tagging import answers_to
from fliptech_site.errors import InvalidInput

#: Lines of the message that are quoted below the answer.
_MAX_QUOTED = 200


def compose_answer(email: Email) -> tuple[str, bytes]:
    """Give the subject and the whole mail of an answer, as it goes over the wire.

    Raises InvalidInput when the answer is not there any more.
    """
    assert email.message_id is not None
    written = (
        WrittenAnswer.objects.select_related("message").filter(email=email).first()
    )
    if written is None:
        raise InvalidInput("The text of this answer is not there any more.")
    account = email.account
    text = _whole_text(written, account)
    ids = _references(written)
    letter = Letter(
        from_name=account.from_name,
        from_address=account.from_address,
        reply_to=answers_to(email),
        to_address=email.address,
        subject=one_line(written.subject),
        html=_as_html(text),
        text=text,
        message_id=email.message_id,
        date=timezone.now(),
        in_reply_to=ids[-1] if ids else "",
        references=tuple(ids),
    )
    return letter.subject, build(letter)


def _references(written: WrittenAnswer) -> list[str]:
    """Give the Message-IDs of the thread: ours that was answered, then theirs."""
    message = written.message
    if message is None:
        return []
    ours = message.email.message_id if message.email else None
    return [each for each in (ours or "", message.message_id) if _is_id(each)]


def _is_id(text: str) -> bool:
    """Say whether a stranger's Message-ID may stand in our headers."""
    return (
        text.startswith("<")
        and text.endswith(">")
        and text.isascii()
        and text.isprintable()
        and not any(char.isspace() for char in text)
        and len(text) < 250
    )


def _whole_text(written: WrittenAnswer, account: Account) -> str:
    parts = [written.text]
    if account.signature_text:
        parts.append(f"-- \n{account.signature_text.strip()}")
    message = written.message
    if message is not None and message.text:
        when = date_format(timezone.localtime(message.received_at), "j M Y, H:i")
        who = one_line(message.sender_name or message.sender)
        quoted = [f"> {line}" for line in message.text.splitlines()[:_MAX_QUOTED]]
        parts.append("\n".join([f"On {when}, {who} wrote:", *quoted]))
    return "\n\n".join(parts) + "\n"


def _as_html(text: str) -> str:
    escaped = html_text.escape(text).replace("\n", "<br>\n")
    return f"<!doctype html>\n<html><body><div>{escaped}</div></body></html>\n"
