"""The states of a task and the moves between them.

    scheduled ──► queued ──► running ──► succeeded
        ▲           │           │  ├───► failed
        └───────────┴───────────┘  └───► cancelled

The same table is enforced by a trigger in the database (migration `first_tables`);
a test compares the two.
"""

from __future__ import annotations

from django.db.models import TextChoices


class State(TextChoices):
    """Where a task is in its life."""

    #: Waits for its time: a delay, a retry, a held queue.
    SCHEDULED = "scheduled"
    #: May run now; handed (or about to be handed) to RabbitMQ.
    QUEUED = "queued"
    #: Claimed by a worker that holds a lease.
    RUNNING = "running"
    #: Done; the result is kept.
    SUCCEEDED = "succeeded"
    #: Given up; the last error is kept. A person may retry it.
    FAILED = "failed"
    #: Stopped by a person. A person may retry it.
    CANCELLED = "cancelled"


#: Every move that is allowed; anything else is refused by the database.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.QUEUED, State.CANCELLED}),
    State.QUEUED: frozenset({State.RUNNING, State.SCHEDULED, State.CANCELLED}),
    State.RUNNING: frozenset(
        {
            State.SUCCEEDED,
            State.FAILED,
            State.CANCELLED,
            State.SCHEDULED,
            State.QUEUED,
        }
    ),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
}

WAITING = (State.SCHEDULED, State.QUEUED)
UNFINISHED = (*WAITING, State.RUNNING)
FINISHED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


def status_for_people(state: str, attempt: int) -> str:
    """Say a state in the words that people read.

    pending, running, retrying, succeeded, failed or cancelled; `attempt` is the
    number of runs that were started.
    """
    if state in (State.SCHEDULED, State.QUEUED):
        return "retrying" if attempt else "pending"
    return str(state)
