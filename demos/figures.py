"""The demo sites' figures on admin's first page."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Sum

from demos.models import DemoSite, DemoView
from fliptech_site.dashboard import Figure


def figures() -> Iterable[Figure]:
    """Yield how many demo sites are up and how often people looked at them."""
    views = DemoView.objects.filter(visitor=DemoView.Visitor.PERSON).aggregate(
        total=Sum("views")
    )["total"]
    yield Figure(
        "Demo sites up",
        DemoSite.objects.live().count(),
        f"{views or 0} views by people",
        "web",
        "admin:demos_demosite_changelist",
    )
