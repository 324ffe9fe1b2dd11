"""What admin's scrape pages draw: outcomes by source, progress and pages of one job."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from leads.models import Fetch, ScrapeJob
from leads.outcomes import Outcome
from tasks.models import Task

_DAYS = 30
#: Outcome -> colour: legible on light and on dark ground.
COLOURS = {
    Outcome.OK.value: "#16a34a",
    Outcome.PARTIAL.value: "#d97706",
    Outcome.EMPTY.value: "#6b7280",
    Outcome.RATE_LIMITED.value: "#ca8a04",
    Outcome.DENIED_BY_ROBOTS.value: "#9333ea",
    Outcome.BLOCKED.value: "#dc2626",
    Outcome.MARKUP_CHANGED.value: "#be185d",
    Outcome.ERROR.value: "#991b1b",
    "": "#2563eb",
}


@dataclass(frozen=True)
class Part:
    """One outcome's share of a bar."""

    label: str
    count: int
    percent: float
    colour: str


@dataclass(frozen=True)
class Bar:
    """One source with its outcomes."""

    label: str
    total: int
    leads: int
    parts: list[Part]


def bars_by_source() -> list[Bar]:
    """Give a bar for each source: the outcomes of its scrapes of the last 30 days."""
    since = timezone.now() - timedelta(days=_DAYS)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    leads: dict[str, int] = defaultdict(int)
    recent = ScrapeJob.objects.filter(created_at__gte=since)
    for source, outcome, count in (
        recent.values_list("source", "outcome").annotate(count=Count("pk")).order_by()
    ):
        counts[source][outcome] = count
    for source, found in recent.values_list("source", "counts__leads_created"):
        leads[source] += found or 0
    return [
        Bar(source.replace("_", " "), sum(each.values()), leads[source], _parts(each))
        for source, each in sorted(counts.items())
    ]


def _parts(counts: dict[str, int]) -> list[Part]:
    total = sum(counts.values()) or 1
    return [
        Part(_label(outcome), counts[outcome], 100 * counts[outcome] / total, colour)
        for outcome, colour in COLOURS.items()
        if counts.get(outcome)
    ]


def _label(outcome: str) -> str:
    return Outcome(outcome).label if outcome else "under way"


def job_picture(job: ScrapeJob) -> dict[str, Any]:
    """Give what the page of one job shows above its fields."""
    task = Task.objects.filter(pk=job.task_id).first() if job.task_id else None
    asked = job.fetches.exclude(purpose=Fetch.Purpose.ROBOTS)
    pages = dict(asked.values_list("outcome").annotate(count=Count("pk")).order_by())
    states = dict(
        job.postings.values_list("state").annotate(count=Count("pk")).order_by()
    )
    is_over = job.state == ScrapeJob.State.FINISHED
    done = task.progress_done or 0 if task else 0
    total = task.progress_total or 0 if task else 0
    return {
        "is_over": is_over,
        "state": _label(job.outcome) if is_over else str(job.get_state_display()),
        "reason": job.reason,
        "colour": COLOURS.get(job.outcome, COLOURS[""]),
        "percent": 100 if is_over else round(100 * done / total) if total else 0,
        "note": f"{done} of {total} {task.progress_note}" if task and total else "",
        "pages": _parts(pages),
        "postings": states,
        "filled": _filled(job.filled),
    }


def _filled(filled: dict[str, int]) -> list[tuple[str, int]]:
    """Give the fields of the records by how many percent of them had each."""
    total = filled.get("read", 0)
    if not total:
        return []
    rates = ((name, round(100 * count / total)) for name, count in filled.items())
    return sorted((each for each in rates if each[0] != "read"), key=lambda r: -r[1])
