"""Stop writing to an address, for good."""

from __future__ import annotations

from django.db import transaction

from campaigns.models import Email, Recipient, TrackingEvent
from campaigns.states import SkipReason, StopReason
from campaigns.stopping import skip_waiting_mails, stop_all
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
    """Skip every mail to this address that is not claimed, and end its sequences."""
    mails = Email.objects.filter(address=address)
    count = skip_waiting_mails(mails, SkipReason.SUPPRESSED, _DETAIL)
    stop_all(Recipient.objects.filter(address=address), StopReason.UNSUBSCRIBED)
    return count
