"""Take down what is past its date, and bring down what a person revokes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import F

from demos.models import DemoSite


def expire_past_sites() -> int:
    """Mark sites past their date as expired; return how many. Visitors get a 410."""
    return DemoSite.objects.past_their_date().update(state=DemoSite.State.EXPIRED)


def revoke(site_ids: Iterable[int]) -> int:
    """Take sites down for good, whatever builds are running; return how many."""
    return (
        DemoSite.objects.filter(pk__in=site_ids)
        .exclude(state=DemoSite.State.REVOKED)
        .update(state=DemoSite.State.REVOKED, build_started_at=None)
    )


def allow_again(site_ids: Iterable[int]) -> list[int]:
    """Let revoked sites be built again; return the leads whose sites to build."""
    sites = DemoSite.objects.filter(pk__in=site_ids, state=DemoSite.State.REVOKED)
    lead_ids = list(sites.values_list("lead_id", flat=True))
    sites.update(state=DemoSite.State.BUILDING)
    return lead_ids


def extend(site_ids: Iterable[int]) -> int:
    """Keep live sites DEMO_DAYS longer than until now planned; return how many."""
    return (
        DemoSite.objects.live()
        .filter(pk__in=site_ids)
        .update(expires_at=F("expires_at") + timedelta(days=settings.DEMO_DAYS))
    )
