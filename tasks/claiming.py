"""Claim tasks, and finish, return or keep the claims: one statement each.

A claim is compare-and-set on the state; the attempt's number is the fencing number, so
whoever lost the lease can't write any more. Every statement here commits by itself
(Django's autocommit), unless the caller finishes inside a transaction of its own.

`state || ''` keeps the planner from the partial indexes on the state: they are tiny by
its statistics and full of dead entries in truth, and these rows are found by their id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from tasks import gating
from tasks.continuing import (
    call_back_after_failure,
    continue_after,
    has_continuation,
    has_failure_callback,
)
from tasks.current import Claim, current_claim
from tasks.models import Attempt
from tasks.recording import End, end_alone, ending_of, returning
from tasks.states import State

_CLAIM = """
UPDATE tasks_task SET
    state = 'running', attempt = attempt + 1, worker_id = %(worker)s,
    started_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
    progress_done = NULL, progress_total = NULL, progress_note = ''
WHERE id = ANY(%(tasks)s) AND state || '' = 'queued'{gate}
RETURNING id, attempt, actor, queue, priority, args::text, kwargs::text, options::text,
    failures, max_attempts, root_id, is_followed
"""

#: Only what queue and actor let through without a look; the few rows are read once.
_CLAIM_OPEN = _CLAIM.format(
    gate="""
    AND queue <> ALL (ARRAY(
        SELECT name FROM tasks_queue
        WHERE is_paused OR draining_since IS NOT NULL
            OR rate_per_minute IS NOT NULL OR concurrency IS NOT NULL
    )) AND actor <> ALL (ARRAY(
        SELECT name FROM tasks_actor
        WHERE is_paused OR rate_per_minute IS NOT NULL OR concurrency IS NOT NULL
    ))"""
)
_CLAIM_ANY = _CLAIM.format(gate="")


class LostClaim(RuntimeError):
    """Raised when a run tries to finish a task that is no longer its own."""


def claim(task_id: UUID, worker_id: int | None) -> Claim | None:
    """Claim a queued task for this worker; None when it is not there to be claimed.

    That is so for duplicates and redeliveries of a message, for cancelled tasks, and
    for tasks that another worker runs.
    """
    return claim_together([task_id], worker_id)[0]


def claim_together(
    task_ids: Sequence[UUID], worker_id: int | None, *, are_queues_open: bool = False
) -> list[Claim | None]:
    """Claim several tasks; a task asked for twice is given once.

    Those of a paused queue or actor, or above its rate or concurrency, are not given;
    they go back to `scheduled`, and the relay brings them again. `are_queues_open` spares
    that question, for callers that asked it a moment ago.
    """
    # In one order everywhere, so that two groups can't lock each other.
    asked = sorted(task_ids)
    if are_queues_open:
        claims = _claim_rows(_CLAIM_ANY, asked, worker_id)
        return [claims.pop(task_id, None) for task_id in task_ids]
    claims = _claim_rows(_CLAIM_OPEN, asked, worker_id)
    if missing := [task_id for task_id in asked if task_id not in claims]:
        with transaction.atomic():
            if admitted := gating.admit(missing):
                claims |= _claim_rows(_CLAIM_ANY, sorted(admitted), worker_id)
    return [claims.pop(task_id, None) for task_id in task_ids]


def _claim_rows(
    statement: str, task_ids: Sequence[UUID], worker_id: int | None
) -> dict[UUID, Claim]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "tasks": list(task_ids),
                "worker": worker_id,
                "lease": settings.TASK_LEASE_SECONDS,
            },
        )
        return {row[0]: _claim_of(row) for row in cursor.fetchall()}


def _claim_of(row: tuple[Any, ...]) -> Claim:
    return Claim(
        task_id=row[0],
        attempt=row[1],
        actor=row[2],
        queue=row[3],
        priority=row[4],
        args=_read(row[5]),
        kwargs=_read(row[6]),
        options=_read(row[7]),
        failures=row[8],
        max_attempts=row[9],
        root_id=row[10],
        is_followed=row[11],
    )


def _read(text: str) -> Any:
    # Most tasks have one of these empty: not worth a parser.
    if text == "{}":
        return {}
    return [] if text == "[]" else json.loads(text)


def succeed(held: Claim, result: Any, *, end: End = end_alone) -> bool:
    """Record success, and enqueue what follows; False when the claim had been lost.

    Raises TypeError or ValueError when `result` is not plain JSON, PermanentError
    when what follows can't be enqueued; then nothing is recorded.
    """
    # PostgreSQL's jsonb can't hold NUL characters; nobody misses them in a result.
    text = json.dumps(result, allow_nan=False).replace("\\u0000", "")
    ending = ending_of(held, State.SUCCEEDED, Attempt.Outcome.SUCCEEDED, result=text)
    if not has_continuation(held):
        return end(ending)
    with transaction.atomic():
        if not end_alone(ending):
            return False
        continue_after(held, json.loads(text))
    return True


def fail(
    held: Claim,
    *,
    error_class: str,
    message: str,
    traceback: str,
    end: End = end_alone,
) -> bool:
    """Record the final failure, and call back; False when the claim had been lost."""
    ending = ending_of(
        held,
        State.FAILED,
        Attempt.Outcome.FAILED,
        burnt=1,
        error=(error_class, message, traceback),
    )
    if not has_failure_callback(held):
        return end(ending)
    with transaction.atomic():
        if not end_alone(ending):
            return False
        call_back_after_failure(held, error_class, message)
    return True


def retry(
    held: Claim,
    *,
    delay_seconds: float,
    is_burnt: bool,
    error_class: str,
    message: str,
    traceback: str,
    end: End = end_alone,
) -> bool:
    """Put the task back for later; False when the claim had been lost."""
    return end(
        ending_of(
            held,
            State.SCHEDULED,
            Attempt.Outcome.RETRIED if is_burnt else Attempt.Outcome.DEFERRED,
            burnt=1 if is_burnt else 0,
            delay=delay_seconds,
            error=(error_class, message, traceback),
        )
    )


def cancel_running(held: Claim, *, end: End = end_alone) -> bool:
    """Record that the run was stopped on request; False when the claim had been lost."""
    return end(ending_of(held, State.CANCELLED, Attempt.Outcome.CANCELLED))


def give_back(held: Claim, *, end: End = end_alone) -> bool:
    """Return the task unharmed, as a worker does that stops in good order."""
    return end(returning(held))


def complete(result: Any) -> None:
    """Finish the running task inside the caller's transaction.

    The body's effects and its completion then commit together, and only while the
    claim is still held: so the effect happens once, whatever dies. Raises LostClaim,
    which rolls the transaction back; outside a task this does nothing.
    """
    held = current_claim()
    if held is not None and not succeed(held, result):
        raise LostClaim(f"Task {held.task_id} was taken over by another run.")
