"""What this room holds of a person: demo sites that show their data."""

from __future__ import annotations

from typing import Any

from demos.models import DemoSite
from leads.persons import Person


def export_person(person: Person) -> dict[str, Any]:
    """Give the demo sites of a person's leads and how often they were visited."""
    sites = DemoSite.objects.filter(lead_id__in=person.lead_ids).order_by("pk")
    return {
        "demo_sites": [
            {
                "id": site.pk,
                "state": site.state,
                "published_at": site.published_at.isoformat()
                if site.published_at
                else None,
                "visits": site.visits.count(),
            }
            for site in sites
        ]
    }


def erase_person(person: Person) -> dict[str, int]:
    """Take the demo sites of a person down; the nightly clearing deletes their files."""
    sites = DemoSite.objects.filter(lead_id__in=person.lead_ids).exclude(
        state=DemoSite.State.REVOKED
    )
    return {"demo_sites": sites.update(state=DemoSite.State.REVOKED)}
