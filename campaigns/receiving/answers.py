"""What people and machines answer: the sequence stops for a person, never for a machine."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from campaigns.incoming.opt_outs import is_opt_out
from campaigns.models import Conversation, Email, IncomingMessage
from campaigns.receiving.conversations import close
from campaigns.receiving.evidence import settle_by
from campaigns.states import StopReason
from campaigns.stopping import stop
from campaigns.unsubscribing import unsubscribe


def take_reply(message: IncomingMessage, email: Email | None) -> None:
    """Note a person's answer: the sequence stops, the conversation waits for us.

    `email` is None for a stranger, whose mail only begins a conversation. One whose
    sender is blank, since the person was erased, begins none.
    """
    if message.sender:
        message.conversation = _conversation(message, email)
    if email is None:
        return
    Email.objects.filter(pk=email.pk, replied_at__isnull=True).update(
        replied_at=message.received_at, updated_at=timezone.now()
    )
    settle_by(email.pk, "reply", "the person answered it.", at=message.received_at)
    if is_opt_out(message.text):
        # The law asks to honour it however it is said, and at once.
        unsubscribe(email.pk)
        message.reason = "It asks for no more mail, which is done."
        if message.conversation is not None:
            close(message.conversation.pk)
    elif email.recipient_id is not None:
        stop(email.recipient_id, StopReason.REPLIED)


def note_auto_reply(message: IncomingMessage, email: Email) -> None:
    """Note that a machine answered: it arrived, and nothing stops."""
    settle_by(email.pk, "auto_reply", "a machine answered it.", at=message.received_at)
    message.conversation = Conversation.objects.filter(
        account_id=email.account_id, address=email.address
    ).first()


def _conversation(message: IncomingMessage, email: Email | None) -> Conversation:
    """Find or begin the thread, and bring it up to date with a person's mail."""
    account_id = email.account_id if email else message.account_id
    address = email.address if email else message.sender
    conversation, is_new = Conversation.objects.get_or_create(
        account_id=account_id,
        address=address,
        defaults={
            "lead_id": email.lead_id if email else None,
            "subject": message.subject,
            "name": message.sender_name,
            "last_at": message.received_at,
        },
    )
    if is_new and email is not None:
        # What machines answered before belongs to the thread as well.
        IncomingMessage.objects.filter(
            email__account=account_id, email__address=address, conversation=None
        ).exclude(sender="").update(conversation=conversation)
    _bring_up(conversation, message, message.received_at)
    return conversation


def _bring_up(
    conversation: Conversation, message: IncomingMessage, at: datetime
) -> None:
    changes: dict[str, object] = {
        "last_at": Greatest(F("last_at"), at),
        "is_unread": True,
    }
    others = conversation.messages.filter(kind="reply").exclude(pk=message.pk)
    if not others.filter(received_at__gt=at).exists():
        # One that came before our own answer and was read after it waits all the same;
        # only one that is older than what we have seen of the person changes nothing.
        changes |= {
            "needs_answer": True,
            "subject": message.subject or conversation.subject,
            "name": message.sender_name or conversation.name,
        }
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
