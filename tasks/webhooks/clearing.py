"""Deliveries that nobody makes any more: named as failed, and pruned after their time."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

#: Rows deleted in one transaction.
BATCH = 1000

#: A person may have cancelled the task, or it was set aside as poison.
_FAIL_LOST = """
UPDATE tasks_webhookdelivery AS delivery SET
    state = 'failed', error = 'Its task ended before it was delivered: send it again.'
WHERE state = 'waiting' AND created_at < now() - interval '1 hour'
    AND NOT EXISTS (
        SELECT FROM tasks_task WHERE unique_key = 'webhook:' || delivery.id
            AND state IN ('scheduled', 'queued', 'running')
    )
"""

_PRUNE = """
DELETE FROM tasks_webhookdelivery WHERE id = ANY(ARRAY(
    SELECT id FROM tasks_webhookdelivery
    WHERE created_at < %s AND state <> 'waiting'
    ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
))
"""


def clear_deliveries() -> int:
    """Delete settled deliveries older than TASK_KEEP_DAYS; return how many.

    Those whose task has got lost are failed first, so that people see them.
    """
    before = timezone.now() - timedelta(days=settings.TASK_KEEP_DAYS)
    deleted = 0
    with connection.cursor() as cursor:
        cursor.execute(_FAIL_LOST)
        while True:
            cursor.execute(_PRUNE, [before, BATCH])
            gone: int = cursor.rowcount
            deleted += gone
            if gone < BATCH:
                return deleted
