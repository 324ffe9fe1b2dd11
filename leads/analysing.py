"""Have many leads scored, each by a task of its own, so that one can't stop others."""

from __future__ import annotations

from typing import Any

from fliptech_site.errors import InvalidInput
from leads.models import Lead
from tasks.enqueueing import enqueue_many


def analyse_leads(lead_ids: list[int]) -> dict[str, Any]:
    """Enqueue the scoring of these leads; an empty list means all without a score.

    Returns enqueued and unknown (ids that are no active leads).
    """
    if not all(isinstance(lead_id, int) for lead_id in lead_ids):
        raise InvalidInput("lead_ids has to be a list of whole numbers.")
    active = Lead.objects.active()
    chosen = (
        active.filter(pk__in=lead_ids)
        if lead_ids
        else active.filter(scored_at__isnull=True)
    )
    found = list(chosen.values_list("pk", flat=True))
    enqueue_many("analyze_lead", [{"lead_id": lead_id} for lead_id in found])
    return {"enqueued": len(found), "unknown": sorted(set(lead_ids) - set(found))}
