"""Stop writing to an address, for good."""

from __future__ import annotations

from enum import Enum

from django.db import transaction

from campaigns.models import Email, Recipient, TrackingEvent
from campaigns.states import SkipReason, StopReason
from campaigns.stopping import skip_waiting_mails, stop_all
from campaigns.tracking import Asked, record
from leads.suppression import suppress

_DETAIL = "This address asked not to be written to."


class Scope(Enum):
    """What a person no longer wants."""

    #: Anything from us.
    EVERYTHING = "everything"
    #: The campaign of this mail.
    CAMPAIGN = "campaign"


def unsubscribe(
    email_id: int, asked: Asked | None = None, *, scope: Scope = Scope.EVERYTHING
) -> bool:
    """Write nothing more to the address of a mail, or nothing more of its campaign.

    Doing it twice changes nothing, and both last: the address as a hash, the campaign
    in its recipient's row. A mail of no campaign knows no smaller scope. `asked` is None
    where a provider tells of it. False for a test mail, which stops nothing, and for a
    mail that is not there any more.
    """
    email = Email.objects.filter(pk=email_id).first()
    if email is None or email.kind == Email.Kind.TEST:
        return False
    with transaction.atomic():
        if scope == Scope.CAMPAIGN and email.recipient_id is not None:
            recipient = Recipient.objects.filter(pk=email.recipient_id)
            stop_all(recipient, StopReason.UNSUBSCRIBED)
        else:
            suppress(email.address, reason=f"unsubscribed from e-mail {email.pk}")
            skip_waiting(email.address)
        record(
            email.pk, TrackingEvent.Kind.UNSUBSCRIBE, asked or Asked("POST", headers={})
        )
    return True


def skip_waiting(address: str) -> int:
    """Skip every mail to this address that is not claimed, and end its sequences."""
    mails = Email.objects.filter(address=address)
    count = skip_waiting_mails(mails, SkipReason.SUPPRESSED, _DETAIL)
    stop_all(Recipient.objects.filter(address=address), StopReason.UNSUBSCRIBED)
    return count
