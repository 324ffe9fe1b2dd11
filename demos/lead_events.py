"""What happened to a lead's demo site, for the lead's page in admin."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.urls import reverse

from demos.models import DemoSite, DemoView
from leads.lead_events import LeadEvent


def events(lead_id: int) -> Iterator[LeadEvent]:
    """Yield when the demo was begun and published, and when it was first seen."""
    demo = DemoSite.objects.filter(lead_id=lead_id).first()
    if demo is None:
        return
    path = reverse("admin:demos_demosite_change", args=[demo.pk])
    yield LeadEvent(demo.created_at, "A demo site was begun.", path)
    if demo.published_at:
        yield LeadEvent(demo.published_at, "Its demo site was published.", path)
    seen = demo.visits.filter(visitor=DemoView.Visitor.PERSON, views__gt=0)
    found = seen.aggregate(first_at=Min("first_at"), visitors=Count("pk"))
    if found["first_at"]:
        many = "visitor" if found["visitors"] == 1 else "visitors"
        what = f"Its demo site was seen for the first time; {found['visitors']} {many} by now."
        yield LeadEvent(found["first_at"], what, path)
