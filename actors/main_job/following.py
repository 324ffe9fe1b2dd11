"""Follow tasks and everything that they set going, until all of it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from tasks.models import Task, Worker
from tasks.states import UNFINISHED

#: Seconds between two looks; one aggregate query each.
LOOK_SECONDS = 0.5
#: Seconds without a heartbeat after which no worker is thought to be alive.
WORKER_SILENCE_SECONDS = 15


class TimeIsUp(Exception):
    """Raised when the run's time is over and work remains."""


@dataclass
class Line:
    """The tasks of one run: those it enqueued and all that came of them."""

    ends_at: float
    roots: set[UUID] = field(default_factory=set)

    def add(self, task_ids: Iterable[UUID]) -> None:
        """Follow these too; one that another task set going brings its whole line."""
        found = Task.objects.filter(id__in=list(task_ids)).values_list("id", "root_id")
        self.roots.update(root or task_id for task_id, root in found)

    def tasks(self) -> QuerySet[Task]:
        """Return the followed tasks and everything that they set going."""
        return Task.objects.filter(Q(id__in=self.roots) | Q(root_id__in=self.roots))

    def by_state(self) -> dict[str, int]:
        """Count the tasks by state."""
        counted = self.tasks().order_by().values_list("state").annotate(Count("id"))
        return dict(sorted(counted))

    def wait(self, look: Callable[[dict[str, int]], bool]) -> None:
        """Wait until all tasks have ended and `look` is content with the counts.

        Raises TimeIsUp.
        """
        while True:
            counts = self.by_state()
            is_content = look(counts)
            if is_content and not any(counts.get(state) for state in UNFINISHED):
                return
            if time.monotonic() >= self.ends_at:
                raise TimeIsUp
            time.sleep(LOOK_SECONDS)


def unfinished_roots(key_prefix: str) -> Iterator[UUID]:
    """Find earlier tasks under such a unique key of whose line something remains."""
    remaining = Task.objects.filter(state__in=UNFINISHED)
    lines = remaining.filter(root_id__isnull=False).values("root_id")
    yield from Task.objects.filter(
        Q(id__in=lines) | Q(id__in=remaining.values("id")),
        unique_key__startswith=key_prefix,
    ).values_list("id", flat=True)


def is_a_worker_alive() -> bool:
    """Say whether any worker process gave a sign of life lately."""
    since = timezone.now() - timedelta(seconds=WORKER_SILENCE_SECONDS)
    return Worker.objects.filter(
        stopped_at__isnull=True, heartbeat_at__gte=since
    ).exists()
