"""Delete what was gathered along the way and is needed no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from leads.exporting import exports_folder
from leads.models import (
    Fetch,
    HostPace,
    HostPause,
    LeadExport,
    LeadImport,
    Posting,
    RobotsFile,
    ScrapeJob,
    StoredPage,
)
from leads.place_purging import forget_places
from leads.sources.google_places import NAME as GOOGLE_MAPS
from leads.uploads import imports_folder

#: Days that are kept, from the last time each was of use.
_FETCH_DAYS, _JOB_DAYS, _HOST_DAYS = 30, 180, 7
#: By source: how long a listing that no list shows any more is of use. Adverts of jobs
#: are over sooner; Google's place ids may be kept, and save the next scrape its details.
_POSTING_DAYS = {"job_boards": 60, "linkedin": 60}
_OTHER_POSTING_DAYS = 180
#: Days after which an uploaded file is deleted, imported or not: it names people.
_UPLOAD_DAYS = 7
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
        "postings": _delete(_old_postings(now)),
        "place_facts": forget_places(now),
        "imports": _forget_uploads(now),
        "exports": _forget_exports(now),
        "robots_files": _delete(
            RobotsFile.objects.filter(expires_at__lt=_before(now, _HOST_DAYS))
        ),
        "host_pauses": _delete(
            HostPause.objects.filter(until__lt=_before(now, _HOST_DAYS))
        ),
        "host_paces": _delete(
            HostPace.objects.filter(updated_at__lt=_before(now, _HOST_DAYS))
        ),
        "stored_pages": _delete(
            StoredPage.objects.filter(confirmed_at__lt=_before(now, _FETCH_DAYS))
        ),
    }


def _old_postings(now: datetime) -> QuerySet[Posting]:
    others = ~Q(source__in=[GOOGLE_MAPS, *_POSTING_DAYS])
    is_old = others & Q(last_seen_at__lt=_before(now, _OTHER_POSTING_DAYS))
    for source, days in _POSTING_DAYS.items():
        is_old |= Q(source=source, last_seen_at__lt=_before(now, days))
    is_over = Q(expires_at__isnull=True) | Q(expires_at__lt=now)
    return Posting.objects.filter(is_old & is_over)


def _forget_uploads(now: datetime) -> int:
    """Delete the files of imports that nobody started or that ended."""
    old = LeadImport.objects.exclude(stored_as="").filter(
        created_at__lt=_before(now, _UPLOAD_DAYS)
    )
    names = list(old.values_list("stored_as", flat=True))
    for name in names:
        (imports_folder() / name).unlink(missing_ok=True)
    LeadImport.objects.filter(stored_as__in=names).update(stored_as="")
    return len(names)


def _forget_exports(now: datetime) -> int:
    """Delete the files of exports that have expired."""
    with_file = LeadExport.objects.exclude(stored_as="")
    old = set(with_file.filter(expires_at__lt=now).values_list("stored_as", flat=True))
    # A later export under the same name keeps its file.
    kept = with_file.filter(expires_at__gte=now, stored_as__in=old)
    for name in old - set(kept.values_list("stored_as", flat=True)):
        (exports_folder() / name).unlink(missing_ok=True)
    return with_file.filter(expires_at__lt=now).update(stored_as="")


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _delete(rows: QuerySet[Any]) -> int:
    total = 0
    while keys := list(rows.values_list("pk", flat=True)[:_BATCH]):
        rows.filter(pk__in=keys).delete()
        total += len(keys)
    return total
