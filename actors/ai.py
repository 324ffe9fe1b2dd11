"""Actors of the family `ai`.

Each imports its room when it first runs: an idle worker holds none of their parts.
"""

from __future__ import annotations

from typing import Any

from tasks.declaring import actor


@actor(queue="ai", time_limit_minutes=4)
def analyze_lead(lead_id: int) -> dict[str, Any]:
    """Score a lead by what is known of it and of its website."""
    from leads.scoring import score_lead

    return score_lead(lead_id)


@actor(queue="ai", time_limit_minutes=4)
def batch_analyze_leads(lead_ids: list[int]) -> dict[str, Any]:
    """Score many leads, each as a task of its own."""
    from leads.analysing import analyse_leads

    return analyse_leads(lead_ids)


@actor(queue="ai", time_limit_minutes=4)
def extract_lead_info(text: str, region: str = "US") -> dict[str, Any]:
    """Read leads from free text by rules: who, how to reach them, where, when open."""
    from leads.extracting.assembling import extract_leads

    return extract_leads(text, region=region)
