"""The leads' figures on admin's first page."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Count, Q

from fliptech_site.dashboard import Figure, percent_of
from leads.models import Lead
from leads.watching import open_notices


def figures() -> Iterable[Figure]:
    """Yield how many leads were found and qualify, and what is wrong with sources."""
    counts = Lead.objects.active().aggregate(
        found=Count("pk"),
        scored=Count("pk", filter=Q(score__isnull=False)),
        qualify=Count("pk", filter=Q(score__gte=settings.QUALIFYING_SCORE)),
    )
    page = "admin:leads_lead_changelist"
    yield Figure(
        "Leads found", counts["found"], f"{counts['scored']} scored", "storefront", page
    )
    yield Figure(
        "Could use us",
        counts["qualify"],
        f"score {settings.QUALIFYING_SCORE} or more",
        "thumb_up",
        page,
        percent=percent_of(counts["qualify"], counts["scored"]),
    )
    if notices := open_notices():
        kinds = sorted({f"{each.source} {each.kind}" for each in notices})
        yield Figure(
            "Sources in trouble",
            len(notices),
            ", ".join(kinds)[:120],
            "warning",
            "admin:leads_sourcenotice_changelist",
            "?cleared_at__isempty=1",
            is_alarming=True,
        )
