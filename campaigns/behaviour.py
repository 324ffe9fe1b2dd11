"""Ask what recipients did since their campaign first wrote to them."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Min

from campaigns.conditions import Behaviour
from campaigns.models import Email, TrackingEvent
from campaigns.states import REACHED
from demos.counting import last_watched


def behaviour_of(recipient_ids: Collection[int]) -> dict[int, Behaviour]:
    """Give what each recipient did, in a few queries for all."""
    opened = _who_did(TrackingEvent.Kind.OPEN, recipient_ids)
    clicked = _who_did(TrackingEvent.Kind.CLICK, recipient_ids)
    watched = _who_watched(recipient_ids)
    return {
        recipient_id: Behaviour(
            opened=recipient_id in opened,
            clicked=recipient_id in clicked,
            demo_watched=recipient_id in watched,
        )
        for recipient_id in recipient_ids
    }


def _who_did(kind: TrackingEvent.Kind, recipient_ids: Collection[int]) -> set[int]:
    events = TrackingEvent.objects.filter(
        kind=kind, is_human=True, email__recipient__in=list(recipient_ids)
    )
    return set(events.order_by().values_list("email__recipient", flat=True).distinct())


def _who_watched(recipient_ids: Collection[int]) -> set[int]:
    written = (
        Email.objects.filter(
            recipient__in=list(recipient_ids), lead__isnull=False, state__in=REACHED
        )
        .order_by()
        .values("recipient", "lead")
        .annotate(since=Min("claimed_at"))
        .values_list("recipient", "lead", "since")
    )
    watched = last_watched([lead_id for _, lead_id, _ in written])
    return {
        recipient_id
        for recipient_id, lead_id, since in written
        if lead_id in watched and watched[lead_id] >= since
    }
