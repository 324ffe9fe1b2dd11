"""Results of tasks, read from the ledger through Dramatiq's own API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from dramatiq import Message
from dramatiq.results import ResultFailure, ResultMissing, Results, ResultTimeout
from dramatiq.results.backend import DEFAULT_TIMEOUT, ResultBackend

from tasks.models import Task
from tasks.states import FINISHED, State

#: Seconds between two looks, at first and at last.
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.01, 0.25


class PostgresResultBackend(ResultBackend):
    """Answer `message.get_result()` from the task's row, as long as the row is kept."""

    def get_result(
        self, message: Message[Any], *, block: bool = False, timeout: int | None = None
    ) -> Any:
        """Return the result; `timeout` is in milliseconds, 10 s when it is None.

        Raises ResultMissing when it is not there yet and `block` is false,
        ResultTimeout when it does not come in time, ResultFailure when the task failed
        or was cancelled.
        """
        timeout = DEFAULT_TIMEOUT if timeout is None else timeout
        deadline = time.monotonic() + timeout / 1000
        pause = FIRST_PAUSE_SECONDS
        while True:
            row = (
                Task.objects.filter(pk=UUID(message.message_id))
                .values("state", "result", "error_class", "error_message")
                .first()
            )
            if row is not None and row["state"] in FINISHED:
                return _unwrap(row)
            if not block:
                raise ResultMissing(message)
            if time.monotonic() >= deadline:
                raise ResultTimeout(message)
            time.sleep(pause)
            pause = min(pause * 1.5, LAST_PAUSE_SECONDS)


def ledger_results() -> Results:
    """Return Dramatiq's Results middleware with our backend, storing nothing itself.

    Finishing a task stores its result. Dramatiq looks for exactly this class, so the
    hooks of one instance are silenced instead of a subclass's.
    """
    results = Results(backend=PostgresResultBackend())
    for hook in ("after_process_message", "after_skip_message", "after_nack"):
        setattr(results, hook, lambda *_, **__: None)
    return results


def _unwrap(row: Mapping[str, Any]) -> Any:
    if row["state"] == State.SUCCEEDED:
        return row["result"]
    if row["state"] == State.CANCELLED:
        raise ResultFailure("the task was cancelled", orig_exc_type="Cancelled")
    raise ResultFailure(
        f"actor raised {row['error_class']}: {row['error_message']}",
        orig_exc_type=row["error_class"],
        orig_exc_msg=row["error_message"],
    )
