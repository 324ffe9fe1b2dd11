"""Stop writing to an address, for good."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from campaigns.models import Email, Recipient, TrackingEvent
from campaigns.states import SENDABLE, EmailState, SkipReason
from campaigns.tracking import record
from leads.suppression import suppress

_DETAIL = "This address asked not to be written to."


def unsubscribe(email_id: int, *, user_agent: str = "") -> bool:
    """Suppress the address of a mail and skip whatever still waits for it.

    Doing it twice changes nothing. False for a test mail, which stops nothing, and
    for a mail that is not there any more.
    """
    email = Email.objects.filter(pk=email_id).first()
    if email is None or email.kind == Email.Kind.TEST:
        return False
    with transaction.atomic():
        suppress(email.address, reason=f"unsubscribed from e-mail {email.pk}")
        skip_waiting(email.address)
        record(email.pk, TrackingEvent.Kind.UNSUBSCRIBE, user_agent=user_agent)
    return True


def skip_waiting(address: str) -> int:
    """Skip every mail to this address that has not been claimed."""
    values = {
        "reason": SkipReason.SUPPRESSED,
        "detail": _DETAIL,
        "updated_at": timezone.now(),
    }
    waiting = Email.objects.filter(address=address, state__in=SENDABLE)
    recipients = list(waiting.values_list("recipient_id", flat=True))
    count = waiting.update(state=EmailState.SKIPPED, **values)
    Recipient.objects.filter(pk__in=recipients).update(
        state=Recipient.State.SKIPPED, **values
    )
    return count
