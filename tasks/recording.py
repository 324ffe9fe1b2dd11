"""Record how runs end: the task moves on and its attempt is written, in one statement.

Each end names the attempt's number, so whoever lost the lease can't write any more; a
statement takes any number of ends, each of which is written or not by itself.

`state || ''`: see `tasks.claiming`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from uuid import UUID

from django.db import connection

from tasks.current import Claim
from tasks.models import Attempt
from tasks.sealing import is_row_sealed, seal_json, seal_text
from tasks.states import State

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


def ending_of(
    held: Claim,
    state: State,
    outcome: Attempt.Outcome,
    *,
    burnt: int = 0,
    delay: float | None = None,
    result: str | None = None,
    error: tuple[str, str, str] = ("", "", ""),
) -> Ending:
    """Return the ending of a run; what a sealed task said is encrypted in it."""
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


def returning(held: Claim) -> Ending:
    """Return the end of a run that gives its task back."""
    return ending_of(held, State.QUEUED, Attempt.Outcome.RETURNED)


def refusal(held: Claim, reason: str) -> Ending:
    """Return the end of a run whose true end can't be stored, such as a lone surrogate."""
    told = reason.strip().encode("ascii", "replace").decode()
    message = f"What it returned, raised or logged can't be stored: {told}"
    return replace(
        ending_of(held, State.FAILED, Attempt.Outcome.FAILED, burnt=1),
        error_class=UNSTORABLE,
        error_message=message,
        log="",
    )
