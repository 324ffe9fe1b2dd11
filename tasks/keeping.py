"""Keep claims: extend their leases while the process that holds them lives."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import connection

from tasks.current import Claim

#: Rows that somebody else is just writing are held all the same and extended next time:
#: waiting for them could end in a deadlock with a group of finishes.
_EXTEND = """
WITH held AS MATERIALIZED (
    SELECT task.id, cancel_requested_at IS NOT NULL AS is_cancelled
    FROM tasks_task AS task
    JOIN unnest(%(tasks)s::uuid[], %(attempts)s::int[]) AS claim(task_id, number)
        ON task.id = claim.task_id AND task.attempt = claim.number
    WHERE task.state || '' = 'running'
), extended AS (
    UPDATE tasks_task
    SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE id IN (
        SELECT id FROM tasks_task WHERE id IN (SELECT id FROM held)
        FOR UPDATE SKIP LOCKED
    ) AND state || '' = 'running'
)
SELECT id, is_cancelled FROM held
"""


def extend(held: Sequence[Claim]) -> tuple[set[UUID], set[UUID]]:
    """Extend the leases; return the ids still held and those asked to stop."""
    with connection.cursor() as cursor:
        cursor.execute(
            _EXTEND,
            {
                "lease": settings.TASK_LEASE_SECONDS,
                "tasks": [one.task_id for one in held],
                "attempts": [one.attempt for one in held],
            },
        )
        rows = cursor.fetchall()
    return {row[0] for row in rows}, {row[0] for row in rows if row[1]}
