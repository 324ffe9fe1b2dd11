"""Delete what was gathered along the way and is needed no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from leads.models import Fetch, HostPause, Posting, RobotsFile, ScrapeJob

#: Days that are kept, from the last time each was of use.
_FETCH_DAYS, _JOB_DAYS, _POSTING_DAYS, _HOST_DAYS = 30, 180, 180, 7
#: Rows per statement, so that no lock is held for long.
_BATCH = 1_000


def prune_scraper_data() -> dict[str, int]:
    """Delete old fetches, finished jobs, postings and host notes; returns the counts.

    Leads, their provenance and suppressions stay.
    """
    now = timezone.now()
    return {
        "fetches": _delete(
            Fetch.objects.filter(created_at__lt=_before(now, _FETCH_DAYS))
        ),
        "jobs": _delete(
            ScrapeJob.objects.filter(
                state=ScrapeJob.State.FINISHED, created_at__lt=_before(now, _JOB_DAYS)
            )
        ),
        "postings": _delete(
            Posting.objects.filter(
                Q(expires_at__isnull=True) | Q(expires_at__lt=now),
                last_seen_at__lt=_before(now, _POSTING_DAYS),
            )
        ),
        "robots_files": _delete(
            RobotsFile.objects.filter(expires_at__lt=_before(now, _HOST_DAYS))
        ),
        "host_pauses": _delete(
            HostPause.objects.filter(until__lt=_before(now, _HOST_DAYS))
        ),
    }


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _delete(rows: QuerySet[Any]) -> int:
    total = 0
    while keys := list(rows.values_list("pk", flat=True)[:_BATCH]):
        rows.filter(pk__in=keys).delete()
        total += len(keys)
    return total
