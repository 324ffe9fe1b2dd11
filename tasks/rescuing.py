"""Rescue tasks whose worker died, and set aside those that kill workers."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

#: Nobody knows which of the tasks that a worker held has killed it. From the second time
#: on they come back scattered over so many seconds per rescue, so that the innocent do
#: not meet the same one again.
SCATTER_SECONDS = 5.0

#: Lost runs burn no attempt, but a task under which TASK_MAX_RESCUES workers died is
#: poison: it fails with a sentence instead of taking the next worker down.
_RESCUE = """
WITH lost AS (
    SELECT id, attempt, queue, actor, worker_id, started_at, rescues,
        greatest(run_at, created_at) AS due_at
    FROM tasks_task
    WHERE state = 'running' AND {which}
    ORDER BY lease_until LIMIT 500 FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE tasks_task AS task SET
        state = CASE WHEN lost.rescues + 1 > %(limit)s THEN 'failed'
                     WHEN lost.rescues > 0 THEN 'scheduled' ELSE 'queued' END,
        run_at = CASE WHEN lost.rescues + 1 > %(limit)s OR lost.rescues = 0 THEN run_at
            ELSE clock_timestamp() + make_interval(
                secs => random() * lost.rescues * %(scatter)s) END,
        rescues = lost.rescues + 1,
        published_at = NULL, lease_until = NULL,
        finished_at = CASE WHEN lost.rescues + 1 > %(limit)s THEN clock_timestamp() END,
        error_class = CASE WHEN lost.rescues + 1 > %(limit)s THEN 'PoisonedTask'
                           ELSE 'WorkerLost' END,
        error_message = CASE WHEN lost.rescues + 1 > %(limit)s
            THEN 'Set aside after ' || (lost.rescues + 1) || ' workers died under it;'
                 ' look at what it does, then retry it.'
            ELSE 'Its worker died; it was given to another.' END
    FROM lost WHERE task.id = lost.id
    RETURNING task.id, task.error_class, task.error_message
)
INSERT INTO tasks_attempt (
    task_id, number, queue, actor, outcome, worker_id, due_at, started_at, finished_at,
    error_class, error_message, traceback, log
)
SELECT lost.id, lost.attempt, lost.queue, lost.actor, 'lost', lost.worker_id,
    lost.due_at, lost.started_at, clock_timestamp(), moved.error_class, moved.error_message, '', ''
FROM lost JOIN moved ON moved.id = lost.id
"""


def rescue_expired() -> int:
    """Rescue running tasks whose lease has run out; return how many."""
    return _rescue("lease_until < clock_timestamp()", {})


def rescue_from(worker_id: int) -> int:
    """Rescue all that a worker held which is known to be dead; return how many."""
    return _rescue("worker_id = %(worker)s", {"worker": worker_id})


def _rescue(which: str, parameters: dict[str, int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _RESCUE.format(which=which),
            {
                "limit": settings.TASK_MAX_RESCUES,
                "scatter": SCATTER_SECONDS,
                **parameters,
            },
        )
        return int(cursor.rowcount)
