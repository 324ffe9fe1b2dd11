"""Score leads and keep the score with its reasons."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from leads.auditing import SiteAudit
from leads.merging import surviving_id
from leads.models import Lead
from leads.scoring_rules import rate


def score_lead(lead_id: int) -> dict[str, Any]:
    """Score a lead by its fields and the audit of its website.

    Returns lead_id (of the lead that stands after merges), score and qualifies.
    Raises InvalidInput when there is no such lead.
    """
    lead = Lead.objects.get(pk=surviving_id(lead_id))
    audit = SiteAudit.from_json(lead.audit) if lead.audit else None
    score = rate(lead.as_facts(), audit)
    lead.score = score.points
    lead.score_reasons = [reason._asdict() for reason in score.reasons]
    lead.scored_at = timezone.now()
    lead.save(update_fields=["score", "score_reasons", "scored_at", "updated_at"])
    return {"lead_id": lead.pk, "score": lead.score, "qualifies": lead.qualifies}
