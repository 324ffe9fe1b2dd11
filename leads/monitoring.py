"""Find scrape jobs whose task is gone, so that none looks alive for ever."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from leads.models import ScrapeJob
from leads.outcomes import Outcome
from tasks.models import Task
from tasks.states import FINISHED

#: A job without a task is lost when nothing moved for longer than any task may run.
_SILENCE = timedelta(minutes=30)


def finish_lost_jobs() -> dict[str, int]:
    """Finish jobs whose task ended without them; returns unfinished and lost.

    What such a job found stays; asking for the same scrape again begins a new job.
    """
    unfinished = list(ScrapeJob.objects.exclude(state=ScrapeJob.State.FINISHED))
    ended = dict(
        Task.objects.filter(
            pk__in=[job.task_id for job in unfinished if job.task_id],
            state__in=FINISHED,
        ).values_list("pk", "error_message")
    )
    lost = 0
    for job in unfinished:
        if reason := _why_lost(job, ended):
            lost += _finish(job, reason)
    return {"unfinished": len(unfinished) - lost, "lost": lost}


def _why_lost(job: ScrapeJob, ended: dict[UUID, str]) -> str:
    if job.task_id and job.task_id in ended:
        return ended[job.task_id] or "Its task ended before the scrape did."
    is_silent = job.updated_at < timezone.now() - _SILENCE
    if job.task_id is None and is_silent:
        return "Nothing moved for half an hour and no task works on it."
    return ""


def _finish(job: ScrapeJob, reason: str) -> int:
    """Finish a job unless it moved since it was read."""
    found = job.counts.get("leads_found", 0)
    return ScrapeJob.objects.filter(
        ~Q(state=ScrapeJob.State.FINISHED), pk=job.pk, updated_at=job.updated_at
    ).update(
        state=ScrapeJob.State.FINISHED,
        outcome=Outcome.PARTIAL if found else Outcome.ERROR,
        reason=reason,
        finished_at=timezone.now(),
    )
