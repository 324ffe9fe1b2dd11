"""Which claim this thread is working on."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(slots=True)
class Stop:
    """What a run has been told, in seconds of `time.monotonic`; see `tasks.cancelling`."""

    #: When it was asked to stop.
    asked_at: float | None = None
    #: Its body looks whether it was asked.
    is_listened_to: bool = False
    #: When an interrupt was last raised in it, of whatever kind.
    struck_at: float | None = None
    #: When its time limit is over, and its interrupt should have struck.
    deadline: float | None = None
    #: Its body has ended.
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A task in the hands of this worker: the right to run attempt `attempt`."""

    task_id: UUID
    #: Fencing number: a finish with an older number is refused.
    attempt: int
    actor: str
    queue: str
    priority: int
    args: list[Any]
    kwargs: dict[str, Any]
    options: dict[str, Any]
    failures: int
    max_attempts: int
    root_id: UUID | None
    is_followed: bool = False
    log: list[str] = field(default_factory=list)
    #: How it ended, as far as it was decided here; the last one counts.
    outcomes: list[str] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)


_current: ContextVar[Claim | None] = ContextVar("tasks_current_claim", default=None)


def current_claim() -> Claim | None:
    """Return the claim under which the calling thread runs, if any."""
    return _current.get()


def set_current_claim(claim: Claim | None) -> None:
    """Bind `claim` to the calling thread."""
    _current.set(claim)
