"""The engine room's figures on admin's first page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from fliptech_site.dashboard import Figure
from tasks.models import Task, Worker
from tasks.states import UNFINISHED, State


def figures() -> Iterable[Figure]:
    """Yield the tasks on their way, those that failed, and the workers alive."""
    page = "admin:tasks_task_changelist"
    # The partial indexes serve both counts, however long the history is.
    waiting = Task.objects.filter(state__in=UNFINISHED).aggregate(
        total=Count("pk"), running=Count("pk", filter=Q(state=State.RUNNING))
    )
    yield Figure(
        "Tasks on their way", waiting["total"], f"{waiting['running']} running",
        "task_alt", page,
    )  # fmt: skip
    since = timezone.now() - timedelta(days=1)
    failed = Task.objects.filter(state=State.FAILED, finished_at__gte=since).count()
    yield Figure(
        "Tasks failed", failed, "in the last 24 hours", "error", page,
        query="?state__exact=failed", is_alarming=bool(failed),
    )  # fmt: skip
    alive = Worker.objects.filter(stopped_at__isnull=True).count()
    yield Figure(
        "Workers alive", alive, "processes" if alive else "start manage.py workers",
        "memory", "admin:tasks_worker_changelist", is_alarming=not alive,
    )  # fmt: skip
