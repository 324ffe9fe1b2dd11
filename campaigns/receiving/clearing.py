"""Let go of what came in when nobody needs it any more."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from campaigns.models import DeliveryEvent, IncomingMessage

#: Rows of one statement.
_BATCH = 500


def clear_old_messages() -> dict[str, int]:
    """Empty messages older than INCOMING_KEEP_DAYS; their rows stay, so none is read again.

    The text of an answer stays with its conversation. Bounces and the like are emptied
    after a month, since what they told stands in the events.
    """
    now = timezone.now()
    old = now - timedelta(days=settings.INCOMING_KEEP_DAYS)
    month = now - timedelta(days=30)
    dull = Q(received_at__lt=month) & ~Q(kind__in=["reply", "auto_reply", ""])
    due = IncomingMessage.objects.filter(
        Q(received_at__lt=old) | dull, handled_at__isnull=False
    ).exclude(raw=b"")
    emptied = 0
    while ids := list(due.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        emptied += IncomingMessage.objects.filter(pk__in=ids).update(raw=b"")
    events, _ = DeliveryEvent.objects.filter(
        happened_at__lt=old, email__isnull=True
    ).delete()
    return {"emptied": emptied, "events": events}
