"""What a person may do with a task: cancel it, or have it run again."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, connection, transaction

from fliptech_site.errors import InvalidInput
from tasks.archiving import find_archived
from tasks.models import Task
from tasks.requeueing import requeue
from tasks.states import State
from tasks.unique import holder_of
from tasks.workflows.controlling import retry_step


def cancel(task_id: UUID) -> str:
    """Cancel a task that waits, or ask a running one to stop; return its state.

    A running task is told, or interrupted, at its worker's next heartbeat, two seconds
    away at most, and its programs are ended (see `tasks.cancelling`). A finished one is
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

    Its workflow goes on with it. Raises InvalidInput when the task is in no such state,
    or when another task holds its unique key.
    """
    task = find_task(task_id)
    is_ended_badly = task.state in (State.FAILED, State.CANCELLED)
    with transaction.atomic():
        is_again = is_ended_badly and task.is_followed and retry_step(task_id)
        if not is_again and not _requeue(task):
            raise InvalidInput(
                f"Task {task_id} is {task.status}: only failed and cancelled tasks can be"
                " retried."
            )


def _requeue(task: Task) -> bool:
    """Queue the task again; False when it is in no state for that."""
    # The unique index decides, not a look before: no twin can slip in between. One whose
    # period is over lets go when it is looked up, so the second try gets the key.
    for _ in range(2):
        try:
            return bool(requeue([task.pk]))
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
    """Return the task; raises InvalidInput when there is none, or it is archived."""
    try:
        return Task.objects.get(pk=task_id)
    except Task.DoesNotExist:
        archived = find_archived(task_id)
        if archived is not None:
            raise InvalidInput(
                f"Task {task_id} {archived.state} on {archived.finished_at:%Y-%m-%d}"
                " and is archived: it can be shown, but not run again."
            ) from None
        raise InvalidInput(
            f"There is no task {task_id}; it may have been pruned."
        ) from None
