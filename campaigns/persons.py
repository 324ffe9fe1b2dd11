"""What this room holds of a person: what was written to them and what they did."""

from __future__ import annotations

from typing import Any

from campaigns.models import Email, Recipient, SinkMessage, TrackingEvent
from campaigns.states import EmailState
from campaigns.unsubscribing import skip_waiting
from fliptech_site.errors import TransientError
from leads.persons import Person


def export_person(person: Person) -> dict[str, Any]:
    """Give the e-mails to a person and their opens and clicks."""
    emails = Email.objects.filter(address=person.address).prefetch_related("events")
    return {
        "emails": [
            {
                "subject": email.subject,
                "state": email.state,
                "sent_at": email.sent_at.isoformat() if email.sent_at else None,
                "events": [
                    {
                        "kind": event.kind,
                        "at": event.created_at.isoformat(),
                        "user_agent": event.user_agent,
                    }
                    for event in email.events.all()
                ],
            }
            for email in emails.order_by("pk")
        ]
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
    TrackingEvent.objects.filter(email__in=emails).update(user_agent="")
    count = emails.update(address=person.token, subject="", detail="")
    Recipient.objects.filter(address=person.address).update(
        address=person.token, detail=""
    )
    SinkMessage.objects.filter(to__iexact=person.address).delete()
    return {"emails": count}
