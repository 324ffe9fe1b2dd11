"""Claim a task, and finish, return or keep the claim: one statement each.

A claim is compare-and-set on the state; the attempt's number is the fencing number, so
whoever lost the lease can't write any more. Every statement here commits by itself
(Django's autocommit), unless the caller finishes inside a transaction of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from tasks.current import Claim, current_claim
from tasks.models import Attempt
from tasks.states import State

_CLAIM = """
UPDATE tasks_task SET
    state = 'running', attempt = attempt + 1, worker_id = %(worker)s,
    started_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
    progress_done = NULL, progress_total = NULL, progress_note = ''
WHERE id = %(task)s AND state = 'queued'
RETURNING attempt, actor, args::text, kwargs::text, options::text, failures,
    max_attempts, created_at, root_id
"""

#: Ends a run: the task moves on and the attempt is written, or, when the claim was lost,
#: neither. `burnt` is 1 when the run counts as a failure.
_END = """
WITH ended AS (
    UPDATE tasks_task SET
        state = %(state)s,
        failures = failures + %(burnt)s,
        run_at = CASE WHEN %(delay)s::float IS NULL THEN run_at
                      ELSE clock_timestamp() + make_interval(secs => %(delay)s) END,
        published_at = CASE WHEN %(is_final)s THEN published_at END,
        finished_at = CASE WHEN %(is_final)s THEN clock_timestamp() END,
        lease_until = NULL,
        result = %(result)s::jsonb,
        error_class = %(error_class)s, error_message = %(error_message)s
    WHERE id = %(task)s AND attempt = %(attempt)s AND state = 'running'
    RETURNING id, attempt, worker_id, started_at
)
INSERT INTO tasks_attempt (
    task_id, number, outcome, worker_id, started_at, finished_at,
    error_class, error_message, traceback, log
)
SELECT id, attempt, %(outcome)s, worker_id, started_at, clock_timestamp(),
    %(error_class)s, %(error_message)s, %(traceback)s, %(log)s
FROM ended
"""

_EXTEND = """
UPDATE tasks_task SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM unnest(%(tasks)s::uuid[], %(attempts)s::int[]) AS held(task_id, number)
WHERE id = task_id AND attempt = number AND state = 'running'
RETURNING id, cancel_requested_at IS NOT NULL
"""


class LostClaim(RuntimeError):
    """Raised when a run tries to finish a task that is no longer its own."""


def claim(task_id: UUID, worker_id: int | None) -> Claim | None:
    """Claim a queued task for this worker; None when it is not there to be claimed.

    That is so for duplicates and redeliveries of a message, for cancelled tasks, and
    for tasks that another worker runs.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "task": task_id,
                "worker": worker_id,
                "lease": settings.TASK_LEASE_SECONDS,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return Claim(
        task_id=task_id,
        attempt=row[0],
        actor=row[1],
        args=json.loads(row[2]),
        kwargs=json.loads(row[3]),
        options=json.loads(row[4]),
        failures=row[5],
        max_attempts=row[6],
        created_at=row[7],
        root_id=row[8],
    )


def succeed(held: Claim, result: Any) -> bool:
    """Record success; False when the claim had been lost.

    Raises TypeError or ValueError when `result` is not plain JSON.
    """
    # PostgreSQL's jsonb can't hold NUL characters; nobody misses them in a result.
    text = json.dumps(result, allow_nan=False).replace("\\u0000", "")
    return _end(held, State.SUCCEEDED, Attempt.Outcome.SUCCEEDED, result=text)


def fail(held: Claim, *, error_class: str, message: str, traceback: str) -> bool:
    """Record the final failure; False when the claim had been lost."""
    return _end(
        held,
        State.FAILED,
        Attempt.Outcome.FAILED,
        burnt=1,
        error=(error_class, message, traceback),
    )


def retry(
    held: Claim,
    *,
    delay_seconds: float,
    is_burnt: bool,
    error_class: str,
    message: str,
    traceback: str,
) -> bool:
    """Put the task back for later; False when the claim had been lost."""
    return _end(
        held,
        State.SCHEDULED,
        Attempt.Outcome.RETRIED if is_burnt else Attempt.Outcome.DEFERRED,
        burnt=1 if is_burnt else 0,
        delay=delay_seconds,
        error=(error_class, message, traceback),
    )


def cancel_running(held: Claim) -> bool:
    """Record that the run was stopped on request; False when the claim had been lost."""
    return _end(held, State.CANCELLED, Attempt.Outcome.CANCELLED)


def give_back(held: Claim) -> bool:
    """Return the task unharmed, as a worker does that stops in good order."""
    return _end(held, State.QUEUED, Attempt.Outcome.RETURNED)


def complete(result: Any) -> None:
    """Finish the running task inside the caller's transaction.

    The body's effects and its completion then commit together, and only while the
    claim is still held: so the effect happens once, whatever dies. Raises LostClaim,
    which rolls the transaction back; outside a task this does nothing.
    """
    held = current_claim()
    if held is not None and not succeed(held, result):
        raise LostClaim(f"Task {held.task_id} was taken over by another run.")


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


def _end(
    held: Claim,
    state: State,
    outcome: Attempt.Outcome,
    *,
    burnt: int = 0,
    delay: float | None = None,
    result: str | None = None,
    error: tuple[str, str, str] = ("", "", ""),
) -> bool:
    error_class, message, traceback = (text.replace("\x00", "") for text in error)
    parameters: dict[str, Any] = {
        "task": held.task_id,
        "attempt": held.attempt,
        "state": state,
        "outcome": outcome,
        "burnt": burnt,
        "delay": delay,
        "is_final": state in (State.SUCCEEDED, State.FAILED, State.CANCELLED),
        "result": result,
        "error_class": error_class[:200],
        "error_message": message,
        "traceback": traceback,
        "log": "\n".join(held.log).replace("\x00", ""),
    }
    with connection.cursor() as cursor:
        cursor.execute(_END, parameters)
        return bool(cursor.rowcount == 1)
