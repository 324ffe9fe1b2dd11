"""What this room holds of a person: what was written to them, what they wrote and did."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from campaigns.models import (
    Conversation,
    DeliveryEvent,
    Email,
    Evidence,
    IncomingMessage,
    Recipient,
    SinkMessage,
    TrackingEvent,
)
from campaigns.states import EmailState
from campaigns.unsubscribing import skip_waiting
from fliptech_site.errors import TransientError
from leads.persons import Person


def export_person(person: Person) -> dict[str, Any]:
    """Give the e-mails to a person and from them, and their opens and clicks."""
    emails = Email.objects.filter(address=person.address).prefetch_related(
        "events", "delivery_events"
    )
    conversations = Conversation.objects.filter(
        address=person.address
    ).prefetch_related("answers")
    return {
        "emails": [_export_email(email) for email in emails.order_by("pk")],
        "messages": [
            {
                "at": message.received_at.isoformat(),
                "subject": message.subject,
                "text": message.text,
                "kind": message.kind,
            }
            for message in _messages_of(person).defer("raw").order_by("pk")
        ],
        "answers": [
            {"at": answer.created_at.isoformat(), "text": answer.text}
            for conversation in conversations
            for answer in conversation.answers.all()
        ],
    }


def _export_email(email: Email) -> dict[str, Any]:
    return {
        "subject": email.subject,
        "state": email.state,
        "sent_at": email.sent_at.isoformat() if email.sent_at else None,
        "events": [
            {
                "kind": event.kind,
                "at": event.created_at.isoformat(),
                "user_agent": event.user_agent,
                "network": event.network,
                "by": "a person" if event.is_human else "a machine",
                "times": event.hits,
            }
            for event in email.events.all()
        ],
        "delivery": [
            {
                "kind": event.kind,
                "at": event.happened_at.isoformat(),
                "status": event.status,
                "said": event.words,
            }
            for event in email.delivery_events.all()
        ],
    }


def erase_person(person: Person) -> dict[str, int]:
    """Put a token in the place of the address; counts of campaigns stay right.

    Raises TransientError while a mail to the person is on its way.
    """
    skip_waiting(person.address)
    emails = Email.objects.filter(address=person.address)
    if emails.filter(state=EmailState.SENDING).exists():
        raise TransientError(
            "A mail to this address is being sent right now: erase it again in a minute."
        )
    _erase_what_came_back(person, emails)
    count = emails.update(address=person.token, subject="", detail="", words_hash=None)
    Recipient.objects.filter(address=person.address).update(
        address=person.token, detail=""
    )
    SinkMessage.objects.filter(to__iexact=person.address).delete()
    return {"emails": count}


def _erase_what_came_back(person: Person, emails: QuerySet[Email]) -> None:
    TrackingEvent.objects.filter(email__in=emails).update(user_agent="", network="")
    DeliveryEvent.objects.filter(
        Q(email__in=emails) | Q(address=person.address)
    ).update(address=person.token, words="")
    Evidence.objects.filter(email__in=emails, kind=Evidence.Kind.HAND).update(detail="")
    # The rows stay, without anything in them: they say what has been read already.
    _messages_of(person).update(
        raw=b"",
        text="",
        subject="",
        sender="",
        sender_name="",
        message_id="",
        trouble="",
    )
    Conversation.objects.filter(address=person.address).delete()


def _messages_of(person: Person) -> QuerySet[IncomingMessage]:
    return IncomingMessage.objects.filter(
        Q(sender=person.address)
        | Q(email__address=person.address)
        | Q(conversation__address=person.address)
    )
