"""What a person may do with a task: cancel it, or have it run again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from fliptech_site.errors import InvalidInput
from tasks.handover import handover
from tasks.models import Task
from tasks.publishing import Delivery
from tasks.unique import holder_of

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

    Raises InvalidInput when the task is in no such state, or when another task holds
    its unique key.
    """
    task = find_task(task_id)
    row = _requeue(task)
    if row is None:
        raise InvalidInput(
            f"Task {task_id} is {task.status}: only failed and cancelled tasks can be"
            " retried."
        )
    transaction.on_commit(lambda: handover.offer([Delivery(*row)]))


def _requeue(task: Task) -> tuple[Any, ...] | None:
    """Queue the task again; None when it is in no state for that."""
    # The unique index decides, not a look before: no twin can slip in between. One whose
    # period is over lets go when it is looked up, so the second try gets the key.
    for _ in range(2):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_RETRY, [task.pk])
                row: tuple[Any, ...] | None = cursor.fetchone()
                return row
        except IntegrityError:
            twin = holder_of(task.unique_key or "")
            if twin is not None:
                raise InvalidInput(
                    f"Task {task.pk} can't run again while {twin.task_id}, which has"
                    f" the same unique key {task.unique_key!r}, is {twin.state}:"
                    " wait or cancel that one."
                ) from None
    raise InvalidInput(
        f"The unique key {task.unique_key!r} is taken and free by turns; try again."
    )


def find_task(task_id: UUID) -> Task:
    """Return the task; raises InvalidInput when there is none with this id."""
    try:
        return Task.objects.get(pk=task_id)
    except Task.DoesNotExist:
        raise InvalidInput(
            f"There is no task {task_id}; it may have been pruned."
        ) from None
