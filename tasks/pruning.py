"""Delete finished tasks after their time, in small batches."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from tasks.models import Worker
from tasks.progressing import progress

#: Rows deleted in one transaction: short locks, little to write again after a crash.
BATCH = 1000


def prune_finished_tasks() -> int:
    """Delete tasks finished more than TASK_KEEP_DAYS ago, with their attempts."""
    before = timezone.now() - timedelta(days=settings.TASK_KEEP_DAYS)
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH old AS (
                    SELECT id FROM tasks_task
                    WHERE state IN ('succeeded', 'failed', 'cancelled')
                        AND finished_at < %s
                    ORDER BY finished_at LIMIT %s FOR UPDATE SKIP LOCKED
                ), attempts AS (
                    DELETE FROM tasks_attempt USING old WHERE task_id = old.id
                )
                SELECT array_agg(id) FROM old
                """,
                [before, BATCH],
            )
            row = cursor.fetchone()
            ids = row[0] if row else None
            if not ids:
                break
            cursor.execute("DELETE FROM tasks_task WHERE id = ANY(%s)", [ids])
            deleted += cursor.rowcount
        progress(deleted, deleted, "finished tasks deleted")
    Worker.objects.filter(stopped_at__lt=before).delete()
    return deleted
