"""Delete what is past its time and leaves no trace, in small batches."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from tasks.models import Worker

#: Rows deleted in one transaction: short locks, little to write again after a crash.
BATCH = 1000


#: Workflows deleted in one transaction, each as a whole.
WORKFLOWS = 10

#: One that has ended may have a task all the same that a person retried by hand.
_PRUNE_WORKFLOWS = """
WITH old AS (
    SELECT id FROM tasks_workflow AS workflow
    WHERE finished_at < %s AND NOT EXISTS (
        SELECT FROM tasks_node AS step JOIN tasks_task AS task ON task.id = step.id
        WHERE step.workflow_id = workflow.id
            AND task.state IN ('scheduled', 'queued', 'running')
    )
    ORDER BY finished_at LIMIT %s FOR UPDATE SKIP LOCKED
), nodes AS (
    DELETE FROM tasks_node USING old WHERE workflow_id = old.id
)
DELETE FROM tasks_workflow USING old WHERE tasks_workflow.id = old.id
"""


def prune_finished_workflows() -> int:
    """Delete workflows finished more than TASK_KEEP_DAYS ago, each as a whole.

    Their tasks, which it may have needed until then, are archived like all others.
    """
    before = timezone.now() - timedelta(days=settings.TASK_KEEP_DAYS)
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE_WORKFLOWS, [before, WORKFLOWS])
            gone: int = cursor.rowcount
        deleted += gone
        if not gone:
            return deleted


#: Tables of `tasks.limit_rows` and what makes a row of each count as absent.
_EXPIRED = {
    "tasks_counter": "expires_at <= clock_timestamp()",
    "tasks_signal": "expires_at <= clock_timestamp()",
    "tasks_storedresult": "expires_at <= clock_timestamp()",
    "tasks_lease": "expires_at <= clock_timestamp()",
    # A pace whose next slot is past gives the same answers as none.
    "tasks_pace": "next_at <= clock_timestamp()",
}


def prune_expired_rows() -> int:
    """Delete counters, signals, results, leases and paces whose time is over."""
    return sum(_prune_table(table, expired) for table, expired in _EXPIRED.items())


def _prune_table(table: str, expired: str) -> int:
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            # Rows that are just being used again are left.
            cursor.execute(
                f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 - constants above
                f"SELECT ctid FROM {table} WHERE {expired}"
                " LIMIT %s FOR UPDATE SKIP LOCKED))",
                [BATCH],
            )
            gone: int = cursor.rowcount
        deleted += gone
        if gone < BATCH:
            return deleted


def prune_stopped_workers() -> int:
    """Delete worker processes that stopped more than TASK_KEEP_DAYS ago."""
    before = timezone.now() - timedelta(days=settings.TASK_KEEP_DAYS)
    return Worker.objects.filter(stopped_at__lt=before).delete()[0]
