"""Put failed and cancelled tasks back in their queues, whoever asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from tasks.handover import handover
from tasks.publishing import Delivery

_REQUEUE = """
WITH asked AS (
    SELECT id FROM tasks_task
    WHERE id = ANY(%s) AND state || '' IN ('failed', 'cancelled')
    ORDER BY id FOR UPDATE
)
UPDATE tasks_task AS task SET
    state = 'queued', failures = 0, rescues = 0, published_at = NULL,
    run_at = clock_timestamp(), finished_at = NULL, cancel_requested_at = NULL
FROM asked WHERE task.id = asked.id
RETURNING task.id, actor, queue, priority
"""


def requeue(task_ids: Sequence[UUID]) -> list[UUID]:
    """Run those of these tasks again that failed or were cancelled; return them.

    They get all their attempts anew. They are handed over after the commit.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REQUEUE, [list(task_ids)])
        deliveries = [Delivery(*row) for row in cursor.fetchall()]
        if deliveries:
            transaction.on_commit(lambda: handover.offer(deliveries))
    return [delivery.task_id for delivery in deliveries]
