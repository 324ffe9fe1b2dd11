"""Which leads have a demo site that can be shown, and where."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.bulk_rows import one_of
from demos.models import DemoSite


def demo_urls(lead_ids: Sequence[int]) -> dict[int, str]:
    """Give the public address of each lead's published demo site, in one query."""
    sites = DemoSite.objects.live().filter(lead_id__in=one_of(lead_ids, "bigint"))
    sites = sites.only("lead_id", "token")
    return {site.lead_id: site.public_url for site in sites}


def leads_with_demo(lead_ids: Sequence[int]) -> set[int]:
    """Give those leads that have a published demo site, in one query."""
    sites = DemoSite.objects.live().filter(lead_id__in=one_of(lead_ids, "bigint"))
    return set(sites.values_list("lead_id", flat=True))
