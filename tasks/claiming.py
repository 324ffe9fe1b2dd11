"""Claim tasks, and finish, return or keep the claims: one statement each.

A claim is compare-and-set on the state; the attempt's number is the fencing number, so
whoever lost the lease can't write any more. Every statement here commits by itself
(Django's autocommit), unless the caller finishes inside a transaction of its own.

`state || ''` keeps the planner from the partial indexes on the state: they are tiny by
its statistics and full of dead entries in truth, and these rows are found by their id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
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
from tasks.sealing import is_row_sealed, seal_json, seal_text
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

#: Ends runs: the task moves on and the attempt is written, or, when the claim was lost,
#: neither. `burnt` is 1 when the run counts as a failure.
_END = """
WITH ended AS (
    UPDATE tasks_task AS task SET
        state = ending.state,
        failures = failures + ending.burnt,
        run_at = CASE WHEN ending.delay IS NULL THEN run_at
                      ELSE clock_timestamp() + make_interval(secs => ending.delay) END,
        published_at = CASE WHEN ending.is_final THEN published_at END,
        finished_at = CASE WHEN ending.is_final THEN clock_timestamp() END,
        lease_until = NULL,
        result = ending.result::jsonb,
        error_class = ending.error_class, error_message = ending.error_message
    FROM unnest(
        %(task_id)s::uuid[], %(attempt)s::int[], %(state)s::text[], %(outcome)s::text[],
        %(burnt)s::int[], %(delay)s::float[], %(is_final)s::bool[], %(result)s::text[],
        %(error_class)s::text[], %(error_message)s::text[], %(traceback)s::text[],
        %(log)s::text[]
    ) AS ending(task_id, attempt, state, outcome, burnt, delay, is_final, result,
        error_class, error_message, traceback, log)
    WHERE task.id = ending.task_id AND task.attempt = ending.attempt
        AND task.state || '' = 'running'
    RETURNING task.id, task.attempt, queue, actor, worker_id, started_at,
        -- A retry has overwritten run_at; the statement's snapshot has the old one.
        (SELECT greatest(run_at, created_at) FROM tasks_task WHERE id = task.id) AS due_at,
        ending.outcome,
        ending.error_class, ending.error_message, ending.traceback, ending.log
)
INSERT INTO tasks_attempt (
    task_id, number, queue, actor, outcome, worker_id, due_at, started_at, finished_at,
    error_class, error_message, traceback, log
)
SELECT id, attempt, queue, actor, outcome, worker_id, due_at, started_at, clock_timestamp(),
    error_class, error_message, traceback, log
FROM ended
RETURNING task_id, number
"""


class LostClaim(RuntimeError):
    """Raised when a run tries to finish a task that is no longer its own."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended; the fields are the columns of the statement."""

    task_id: UUID
    attempt: int
    state: str
    outcome: str
    burnt: int
    delay: float | None
    is_final: bool
    result: str | None
    error_class: str
    error_message: str
    traceback: str
    log: str

    @property
    def is_refusal(self) -> bool:
        """Whether this is the end of a run whose true end could not be stored."""
        return self.error_class == UNSTORABLE


#: Error class of a run whose end PostgreSQL refused to store.
UNSTORABLE = "UnstorableEnd"
#: Writes an ending; False when the claim had been lost.
End = Callable[[Ending], bool]


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


def end_together(endings: Sequence[Ending]) -> list[bool]:
    """Write endings; False for each whose claim had been lost."""
    ordered = sorted(endings, key=attrgetter("task_id"))
    parameters = {
        field.name: [getattr(ending, field.name) for ending in ordered]
        for field in fields(Ending)
    }
    with connection.cursor() as cursor:
        cursor.execute(_END, parameters)
        ended = set(cursor.fetchall())
    return [(ending.task_id, ending.attempt) in ended for ending in endings]


def end_alone(ending: Ending) -> bool:
    """Write one ending, in the caller's transaction if there is one."""
    return end_together([ending])[0]


def succeed(held: Claim, result: Any, *, end: End = end_alone) -> bool:
    """Record success, and enqueue what follows; False when the claim had been lost.

    Raises TypeError or ValueError when `result` is not plain JSON, PermanentError
    when what follows can't be enqueued; then nothing is recorded.
    """
    # PostgreSQL's jsonb can't hold NUL characters; nobody misses them in a result.
    text = json.dumps(result, allow_nan=False).replace("\\u0000", "")
    ending = _ending(held, State.SUCCEEDED, Attempt.Outcome.SUCCEEDED, result=text)
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
    ending = _ending(
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
        _ending(
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
    return end(_ending(held, State.CANCELLED, Attempt.Outcome.CANCELLED))


def give_back(held: Claim, *, end: End = end_alone) -> bool:
    """Return the task unharmed, as a worker does that stops in good order."""
    return end(returning(held))


def returning(held: Claim) -> Ending:
    """Return the end of a run that gives its task back."""
    return _ending(held, State.QUEUED, Attempt.Outcome.RETURNED)


def refusal(held: Claim, reason: str) -> Ending:
    """Return the end of a run whose true end can't be stored, such as a lone surrogate."""
    told = reason.strip().encode("ascii", "replace").decode()
    message = f"What it returned, raised or logged can't be stored: {told}"
    return replace(
        _ending(held, State.FAILED, Attempt.Outcome.FAILED, burnt=1),
        error_class=UNSTORABLE,
        error_message=message,
        log="",
    )


def complete(result: Any) -> None:
    """Finish the running task inside the caller's transaction.

    The body's effects and its completion then commit together, and only while the
    claim is still held: so the effect happens once, whatever dies. Raises LostClaim,
    which rolls the transaction back; outside a task this does nothing.
    """
    held = current_claim()
    if held is not None and not succeed(held, result):
        raise LostClaim(f"Task {held.task_id} was taken over by another run.")


def _ending(
    held: Claim,
    state: State,
    outcome: Attempt.Outcome,
    *,
    burnt: int = 0,
    delay: float | None = None,
    result: str | None = None,
    error: tuple[str, str, str] = ("", "", ""),
) -> Ending:
    error_class, message, traceback = (text.replace("\x00", "") for text in error)
    held.outcomes.append(outcome.value)
    log = "\n".join(held.log).replace("\x00", "")
    if is_row_sealed(held):
        result = json.dumps(seal_json(result)) if result is not None else None
        message, traceback, log = map(seal_text, (message, traceback, log))
    return Ending(
        task_id=held.task_id,
        attempt=held.attempt,
        state=state.value,
        outcome=outcome.value,
        burnt=burnt,
        delay=delay,
        is_final=state in (State.SUCCEEDED, State.FAILED, State.CANCELLED),
        result=result,
        error_class=error_class[:200],
        error_message=message,
        traceback=traceback,
        log=log,
    )
