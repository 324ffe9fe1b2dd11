"""A conversation as a mail program shows it: ours and theirs, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q

from campaigns.explaining import explain, what_holds
from campaigns.models import Conversation, Email, IncomingMessage
from campaigns.states import EmailState

if TYPE_CHECKING:
    from campaigns.recalling import Recalled

#: Mails of each side that are shown, the newest.
MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One mail of a conversation."""

    at: datetime
    is_ours: bool
    who: str
    subject: str
    #: What a person wrote, or what a mail made from a template said.
    text: str
    #: How far the text is to be trusted, or why the mail has not gone; blank for neither.
    note: str = ""
    email: Email | None = None
    message: IncomingMessage | None = None


def entries_of(conversation: Conversation) -> list[Entry]:
    """Give the mails of a conversation, the oldest first."""
    return sorted(
        [*_ours(conversation), *_theirs(conversation)], key=lambda entry: entry.at
    )


def close(conversation_id: int) -> None:
    """Say that a conversation needs no answer."""
    Conversation.objects.filter(pk=conversation_id).update(
        needs_answer=False, is_unread=False
    )


def mark_read(conversation_id: int) -> None:
    """Say that somebody has looked."""
    Conversation.objects.filter(pk=conversation_id, is_unread=True).update(
        is_unread=False
    )


def mark_unread(conversation_id: int) -> None:
    """Let it stand out in the list again."""
    Conversation.objects.filter(pk=conversation_id).update(is_unread=True)


def _ours(conversation: Conversation) -> list[Entry]:
    to_them = Q(account=conversation.account_id, address=conversation.address)
    emails = (
        Email.objects.filter(to_them | Q(written__conversation=conversation.pk))
        .exclude(kind=Email.Kind.TEST)
        .exclude(state=EmailState.SKIPPED)
        .select_related(
            "written__user", "campaign", "account", "lead", "template", "variant"
        )
        .order_by("-id")[:MAX_SHOWN]
    )
    # Where it is needed: who only reads mailboxes renders no templates.
    from campaigns.recalling import recall

    recalled = recall(list(emails))
    held = what_holds([email for email in emails if email.is_answer])
    return [
        _our_entry(email, recalled.get(email.pk), held.get(email.pk, []))
        for email in emails
    ]


def _our_entry(email: Email, recalled: Recalled | None, held: Sequence[str]) -> Entry:
    written = getattr(email, "written", None)
    who = email.account.from_name
    if written is not None and written.user is not None:
        who = f"{who} ({written.user.get_username()})"
    return Entry(
        at=email.sent_at or email.claimed_at or email.created_at,
        is_ours=True,
        who=who,
        subject=email.subject,
        text=written.text if written else recalled.text if recalled else "",
        note=_note(email, recalled, held),
        email=email,
    )


def _note(email: Email, recalled: Recalled | None, held: Sequence[str]) -> str:
    if recalled is not None:
        return recalled.note
    if email.state == EmailState.SENT:
        return ""
    said = explain(email, email.campaign)
    return " ".join([said, *(each for each in held if each not in said)])


def _theirs(conversation: Conversation) -> list[Entry]:
    messages = (
        conversation.messages.exclude(kind="")
        .defer("raw")
        .order_by("-received_at")[:MAX_SHOWN]
    )
    return [
        Entry(
            at=message.received_at,
            is_ours=False,
            who=message.sender_name or message.sender,
            subject=message.subject,
            text=message.text,
            message=message,
        )
        for message in messages
    ]
