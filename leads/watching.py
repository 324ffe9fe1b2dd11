"""Notice sources that stall, are blocked or drift, and say so until it is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from leads.models import FieldBaseline, ScrapeJob, SourceNotice
from leads.outcomes import Outcome

_Kind = SourceNotice.Kind
#: A running job moves with every page; a waiting one comes back within a day.
_STALLED = {"running": timedelta(minutes=15), "waiting": timedelta(hours=30)}
_BAD = frozenset(
    {
        *(Outcome.BLOCKED, Outcome.DENIED_BY_ROBOTS, Outcome.RATE_LIMITED),
        *(Outcome.MARKUP_CHANGED, Outcome.ERROR),
    }
)
#: Scrapes in a row that have to fail: one may be an accident.
_IN_A_ROW = 2
#: Finished jobs that are looked at.
_DAYS, _JOBS = 60, 500


def watch_sources() -> dict[str, int]:
    """Open, renew and clear notices; returns how many of each kind are open."""
    found = {**_stalled(), **_blocked(), **_drifting()}
    now = timezone.now()
    with transaction.atomic():
        open_now = {
            (row.source, row.kind): row
            for row in SourceNotice.objects.select_for_update().filter(
                cleared_at__isnull=True
            )
        }
        over = [row.pk for key, row in open_now.items() if key not in found]
        SourceNotice.objects.filter(pk__in=over).update(cleared_at=now)
        SourceNotice.objects.bulk_create(
            [
                SourceNotice(source=source, kind=kind, reason=reason)
                for (source, kind), reason in found.items()
                if (source, kind) not in open_now
            ],
            ignore_conflicts=True,
        )
        kept = [row for key, row in open_now.items() if key in found]
        for row in kept:
            row.reason, row.seen_at = found[row.source, row.kind], now
        SourceNotice.objects.bulk_update(kept, ["reason", "seen_at"])
    return {kind.value: sum(1 for _, each in found if each == kind) for kind in _Kind}


def open_notices() -> list[SourceNotice]:
    """Give what is wrong now, the newest first."""
    return list(
        SourceNotice.objects.filter(cleared_at__isnull=True).order_by("-noticed_at")
    )


def _stalled() -> dict[tuple[str, str], str]:
    now = timezone.now()
    found = {}
    for job in ScrapeJob.objects.exclude(state=ScrapeJob.State.FINISHED).order_by("pk"):
        silent = now - job.updated_at
        if silent > _STALLED[job.state]:
            minutes = int(silent.total_seconds() // 60)
            why = f" It said last: {job.reason}" if job.reason else ""
            found[job.source, str(_Kind.STALLED)] = (
                f"{job} is {job.state} and has not moved for {minutes} minutes.{why}"
            )
    return found


def _blocked() -> dict[tuple[str, str], str]:
    """Judge each source by its finished jobs, the newest first."""
    since = timezone.now() - timedelta(days=_DAYS)
    rows = ScrapeJob.objects.filter(
        state=ScrapeJob.State.FINISHED, created_at__gte=since
    ).order_by("-created_at")[:_JOBS]
    by_source: dict[str, list[ScrapeJob]] = defaultdict(list)
    for row in rows:
        by_source[row.source].append(row)
    found = {}
    for source, jobs in by_source.items():
        if reason := _why_blocked(jobs):
            found[source, str(_Kind.BLOCKED)] = reason
    return found


def _drifting() -> dict[tuple[str, str], str]:
    """Give the sources whose newest job stated a field far too rarely."""
    fallen: dict[str, list[str]] = defaultdict(list)
    for row in FieldBaseline.objects.filter(is_drifting=True).order_by("field"):
        told = f"{row.field} {row.last_rate:.0%} (usually {row.rate:.0%})"
        fallen[row.source].append(told)
    return {
        (source, str(_Kind.DRIFTING)): (
            f"Fields are stated far more rarely than before: {', '.join(told)}. Its"
            " mark-up may have changed."
        )
        for source, told in fallen.items()
    }


def _why_blocked(jobs: Sequence[ScrapeJob]) -> str:
    last = jobs[:_IN_A_ROW]
    if len(last) < _IN_A_ROW or any(job.outcome not in _BAD for job in last):
        return ""
    newest = last[0]
    outcome = Outcome(newest.outcome).label
    return (
        f"The last {_IN_A_ROW} scrapes brought nothing; the newest ended as"
        f" {outcome!r}: {newest.reason}"
    )
