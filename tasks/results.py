"""Results: of tasks from their rows, of other messages from a table, by Dramatiq's API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from dramatiq import Message
from dramatiq.results import ResultFailure, ResultMissing, Results, ResultTimeout
from dramatiq.results.backend import DEFAULT_TIMEOUT, Missing, ResultBackend

from tasks.models import Task
from tasks.sealing import is_sealed, unseal, unseal_text
from tasks.states import FINISHED, State
from tasks.waking import CHANNEL, topic, wait_for

#: Notifies when somebody waits. The conflict waits for a waiter that is just marking
#: the row, so that either the waiter sees the value or this sees the mark.
_STORE = """
INSERT INTO tasks_storedresult AS stored (key, value, expires_at)
VALUES (%(key)s, %(value)s, clock_timestamp() + make_interval(secs => %(ttl)s))
ON CONFLICT (key) DO UPDATE
    SET value = excluded.value, expires_at = excluded.expires_at
RETURNING CASE WHEN is_awaited THEN pg_notify(%(channel)s, %(payload)s) END
"""

_GET = """
SELECT value FROM tasks_storedresult
WHERE key = %s AND value IS NOT NULL AND expires_at > clock_timestamp()
"""

#: A live value is left alone: the next look finds it.
_AWAIT_STORED = """
INSERT INTO tasks_storedresult AS stored (key, expires_at, is_awaited)
VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(seconds)s), true)
ON CONFLICT (key) DO UPDATE
    SET is_awaited = true, value = NULL, expires_at = excluded.expires_at
WHERE stored.value IS NULL OR stored.expires_at <= clock_timestamp()
"""

#: `state || ''`: see tasks.claiming. The row's lock puts this before or after the end.
_AWAIT_TASK = """
UPDATE tasks_task SET is_awaited = true
WHERE id = %s AND NOT is_awaited
    AND state || '' NOT IN ('succeeded', 'failed', 'cancelled')
"""


class PostgresResultBackend(ResultBackend):
    """Dramatiq's results on PostgreSQL.

    A task of the ledger is answered from its row, as long as the row is kept. Any other
    message has its result stored under Dramatiq's key, until its time to live is over.
    """

    def get_result(
        self, message: Message[Any], *, block: bool = False, timeout: int | None = None
    ) -> Any:
        """Return the result; `timeout` is in milliseconds, 10 s when it is None.

        Raises ResultMissing when it is not there yet and `block` is false,
        ResultTimeout when it does not come in time, ResultFailure when the task failed
        or was cancelled.
        """
        waiting = _Waiting(self, message)
        if not block:
            answer = waiting.look()
            if answer is None:
                raise ResultMissing(message)
        else:
            timeout = DEFAULT_TIMEOUT if timeout is None else timeout
            answer = waiting.wait(timeout / 1000)
            if answer is None:
                raise ResultTimeout(message)
        return answer()

    def _get(self, message_key: str) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(_GET, [message_key])
            row = cursor.fetchone()
        return Missing if row is None else self.encoder.decode(bytes(row[0]))

    def _store(self, message_key: str, result: Any, ttl: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                _STORE,
                {
                    "key": message_key,
                    "value": self.encoder.encode(result),
                    "ttl": ttl / 1000,
                    "channel": CHANNEL,
                    "payload": topic("result", message_key),
                },
            )


#: Returns the result or raises ResultFailure.
Answer = Callable[[], Any]


class _Waiting:
    """One caller who waits for one message's result."""

    def __init__(self, backend: PostgresResultBackend, message: Message[Any]) -> None:
        self._backend = backend
        self._key = backend.build_message_key(message)
        self._task_id = _as_uuid(message.message_id)
        self._is_task = False

    def wait(self, seconds: float) -> Answer | None:
        """Return what there is within `seconds`."""
        payloads = [f"task:{self._task_id}", topic("result", self._key)]
        return wait_for(payloads, self.look, seconds, lambda: self._mark(seconds))

    def look(self) -> Answer | None:
        """Return what there is now."""
        row: Mapping[str, Any] | None = None
        if self._task_id is not None:
            row = (
                Task.objects.filter(pk=self._task_id)
                .values("state", "result", "error_class", "error_message", "is_sealed")
                .first()
            )
        self._is_task = row is not None
        if row is not None:
            return partial(_unwrap, row) if row["state"] in FINISHED else None
        value: Any = self._backend._get(self._key)
        return (
            partial(self._backend.unwrap_result, value)
            if value is not Missing
            else None
        )

    def _mark(self, seconds: float) -> bool:
        """Ask for a notification; return whether it can be relied on."""
        # The mark's lock would last as long as the transaction, and hold up the worker.
        if connection.in_atomic_block:
            return False
        with connection.cursor() as cursor:
            if self._is_task:
                cursor.execute(_AWAIT_TASK, [self._task_id])
                return True
            cursor.execute(_AWAIT_STORED, {"key": self._key, "seconds": seconds})
        # It may yet become a task, as the next one of a pipeline does.
        return False


def ledger_results() -> Results:
    """Return Dramatiq's Results middleware with our backend, storing nothing itself.

    Finishing a task stores its result. Dramatiq looks for exactly this class, so the
    hooks of one instance are silenced instead of a subclass's.
    """
    results = Results(backend=PostgresResultBackend())
    for hook in ("after_process_message", "after_skip_message", "after_nack"):
        setattr(results, hook, lambda *_, **__: None)
    return results


def _as_uuid(message_id: str) -> UUID | None:
    try:
        return UUID(message_id)
    except ValueError:
        return None


def _unwrap(row: Mapping[str, Any]) -> Any:
    if row["state"] == State.SUCCEEDED:
        result = row["result"]
        return unseal(result) if row["is_sealed"] and is_sealed(result) else result
    if row["state"] == State.CANCELLED:
        raise ResultFailure("the task was cancelled", orig_exc_type="Cancelled")
    told = row["error_message"]
    if row["is_sealed"]:
        told = unseal_text(told)
    raise ResultFailure(
        f"actor raised {row['error_class']}: {told}",
        orig_exc_type=row["error_class"],
        orig_exc_msg=told,
    )
