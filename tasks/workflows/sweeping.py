"""Find steps whose end went unseen, and follow it after all."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import connection, transaction

from tasks.states import State
from tasks.workflows.settling import follow

logger = logging.getLogger(__name__)

#: Seconds after a task's end in which its `End` may be on its way.
GRACE_SECONDS = 30.0

#: A task that is not there any more was deleted by somebody's hand.
_UNSEEN = """
SELECT step.id FROM tasks_workflow AS workflow
JOIN tasks_node AS step ON step.workflow_id = workflow.id
    AND step.kind = 'step' AND step.state = 'running'
LEFT JOIN tasks_task AS task ON task.id = step.id
WHERE workflow.state IN ('running', 'stopping')
    AND (task.id IS NULL OR (
        task.state IN ('succeeded', 'failed', 'cancelled')
        AND task.finished_at < clock_timestamp() - make_interval(secs => %s)
        AND NOT EXISTS (SELECT FROM tasks_end WHERE tasks_end.task_id = task.id)
    ))
LIMIT %s
"""


def sweep(limit: int = 1000) -> int:
    """Settle what nobody has settled, at most `limit` steps; return how many.

    Nothing is to be found as long as every end is written and followed; this is for
    rows that somebody changed by hand.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNSEEN, [GRACE_SECONDS, limit])
        unseen: list[UUID] = [row[0] for row in cursor.fetchall()]
    if unseen:
        with transaction.atomic():
            follow([(step_id, State.SUCCEEDED) for step_id in unseen])
        logger.warning("%d steps had ended unseen; their workflows go on.", len(unseen))
    return len(unseen)
