"""End a recipient's sequence: a reply, a bounce or a refusal stops everything."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.models import Email, Recipient
from campaigns.states import SENDABLE, EmailState, SkipReason, StopReason

#: Mails that are skipped in one transaction when there may be any number of them.
_PIECE = 2000


def stop(recipient_id: int, reason: StopReason) -> int:
    """Send a recipient no further step; returns how many waiting mails are skipped.

    What the person or the mail server said holds for the address, so it ends the
    sequences of other campaigns, too; what one of us decides holds for this one.
    Stopping twice keeps the first reason. A mail that is claimed already still goes.
    """
    recipients = Recipient.objects.filter(pk=recipient_id)
    if reason != StopReason.BY_HAND:
        recipients = Recipient.objects.filter(address__in=recipients.values("address"))
    return stop_all(recipients, reason)


def stop_all(recipients: QuerySet[Recipient], reason: StopReason) -> int:
    """Do the same for many recipients, in a few statements."""
    now = timezone.now()
    with transaction.atomic():
        ids = list(
            recipients.filter(state=Recipient.State.INCLUDED)
            .select_for_update()
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        Recipient.objects.filter(pk__in=ids, stop_reason="").update(
            stop_reason=reason, stopped_at=now, updated_at=now
        )
        mails = Email.objects.filter(recipient__in=ids)
        mails.filter(is_followed=False).update(is_followed=True)
        return skip_waiting_mails(
            mails,
            skip_reason_of(reason),
            f"The sequence had ended: {reason.label}.",
        )


def skip_reason_of(reason: StopReason) -> SkipReason:
    """Give the reason of the mails that the end of a sequence skips."""
    if reason == StopReason.REPLIED:
        return SkipReason.REPLIED
    return SkipReason.STOPPED


def skip_waiting_mails(mails: QuerySet[Email], reason: SkipReason, detail: str) -> int:
    """Skip those mails that were not claimed; returns how many.

    Whoever loses the first mail by that is skipped as a recipient, too; whoever had
    it stays included.
    """
    return _skip(mails, reason, detail)


def skip_in_pieces(mails: QuerySet[Email], reason: SkipReason, detail: str) -> int:
    """Do the same for any number of mails, in short transactions."""
    count = 0
    while skipped := _skip(mails, reason, detail, limit=_PIECE):
        count += skipped
    return count


def _skip(
    mails: QuerySet[Email],
    reason: SkipReason,
    detail: str,
    *,
    limit: int | None = None,
) -> int:
    values = {"reason": reason, "detail": detail, "updated_at": timezone.now()}
    with transaction.atomic():
        # One order for all who lock many mails.
        waiting = mails.filter(state__in=SENDABLE).order_by("pk")
        rows = list(
            waiting.select_for_update(of=("self",)).values_list(
                "pk", "recipient_id", "step"
            )[:limit]
        )
        count = Email.objects.filter(pk__in=[row[0] for row in rows]).update(
            state=EmailState.SKIPPED, **values
        )
        Recipient.objects.filter(pk__in=[row[1] for row in rows if row[2] == 1]).update(
            state=Recipient.State.SKIPPED, **values
        )
    return count
