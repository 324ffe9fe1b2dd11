"""Answer a person from admin: one mail in their thread, through the account they wrote to."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from campaigns.audience import usable_address
from campaigns.launching import check_account
from campaigns.messages import one_line
from campaigns.models import (
    Conversation,
    Email,
    IncomingMessage,
    WrittenAnswer,
)
from campaigns.threads import answer_to
from campaigns.writing import enqueue_single
from fliptech_site.errors import InvalidInput
from leads.suppression import is_suppressed

MAX_TEXT = 50_000


def write_answer(
    conversation: Conversation, text: str, *, user: AbstractBaseUser, request_key: str
) -> Email:
    """Write an answer to the newest message and let a worker send it.

    It goes at once: no limit on cold mail holds it (`campaigns.limits`). `request_key`
    names the form that was sent: sending it twice makes one mail. Raises InvalidInput for
    an empty text, where the person may not be written to, and where the account can't
    send.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise InvalidInput("Write something first.")
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"An answer has at most {MAX_TEXT:,} characters.")
    newest = conversation.messages.filter(kind="reply").first()
    address = usable_address(newest.sender if newest else conversation.address)
    if not address:
        raise InvalidInput("There is no address here that can be written to.")
    if is_suppressed(address) or is_suppressed(conversation.address):
        raise InvalidInput(
            "This address asked not to be written to: nothing goes to it any more."
        )
    check_account(conversation.account)
    with transaction.atomic():
        email, is_new = Email.objects.get_or_create(
            request_key=f"answer:{request_key}"[:100],
            defaults={
                "kind": Email.Kind.SINGLE,
                "account_id": conversation.account_id,
                "lead_id": conversation.lead_id,
                "address": address,
                "subject": _subject(conversation, newest),
            },
        )
        if is_new:
            WrittenAnswer.objects.create(
                email=email,
                conversation=conversation,
                message=newest,
                subject=email.subject,
                text=text,
                user_id=user.pk,
            )
            Conversation.objects.filter(pk=conversation.pk).update(
                needs_answer=False, is_unread=False, last_at=timezone.now()
            )
            enqueue_single(email)
    return email


def _subject(conversation: Conversation, newest: IncomingMessage | None) -> str:
    subject = newest.subject if newest else conversation.subject
    return one_line(answer_to(subject or "your message"))[:400]
