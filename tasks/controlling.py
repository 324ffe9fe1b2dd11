"""What a person may do with a task: cancel it, or have it run again."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction

from fliptech_site.errors import InvalidInput
from tasks.handover import handover
from tasks.models import Task
from tasks.publishing import Delivery
from tasks.states import State

_RETRY = """
UPDATE tasks_task SET
    state = 'queued', failures = 0, rescues = 0, published_at = NULL,
    run_at = clock_timestamp(), finished_at = NULL, cancel_requested_at = NULL
WHERE id = %s AND state IN ('failed', 'cancelled')
RETURNING id, actor, queue, priority
"""


def cancel(task_id: UUID) -> str:
    """Cancel a task that waits, or ask a running one to stop; return its state.

    A running task is interrupted at its worker's next heartbeat. A finished one is
    left as it is.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_task SET state = 'cancelled', finished_at = clock_timestamp()"
            " WHERE id = %s AND state IN ('scheduled', 'queued')",
            [task_id],
        )
        if not cursor.rowcount:
            cursor.execute(
                "UPDATE tasks_task SET cancel_requested_at = clock_timestamp()"
                " WHERE id = %s AND state = 'running'",
                [task_id],
            )
    return find_task(task_id).state


def retry(task_id: UUID) -> None:
    """Run a failed or cancelled task again, with all its attempts.

    Raises InvalidInput when the task is in no such state, or when another unfinished
    task holds its unique key.
    """
    task = find_task(task_id)
    if task.unique_key is not None:
        twin = (
            Task.objects.filter(
                unique_key=task.unique_key,
                state__in=(State.SCHEDULED, State.QUEUED, State.RUNNING),
            )
            .exclude(pk=task_id)
            .first()
        )
        if twin is not None:
            raise InvalidInput(
                f"Task {task_id} can't run again while {twin.pk}, which has the same"
                f" unique key {task.unique_key!r}, is unfinished: wait or cancel that one."
            )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RETRY, [task_id])
        row = cursor.fetchone()
        if row is None:
            raise InvalidInput(
                f"Task {task_id} is {task.status}: only failed and cancelled tasks"
                " can be retried."
            )
        transaction.on_commit(lambda: handover.offer([Delivery(*row)]))


def find_task(task_id: UUID) -> Task:
    """Return the task; raises InvalidInput when there is none with this id."""
    try:
        return Task.objects.get(pk=task_id)
    except Task.DoesNotExist:
        raise InvalidInput(
            f"There is no task {task_id}; it may have been pruned."
        ) from None
