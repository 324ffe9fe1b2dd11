"""How far a running task has come, for the people who wait for it."""

from __future__ import annotations

from tasks.current import current_claim
from tasks.models import Task
from tasks.states import State


def progress(done: int, total: int, note: str = "") -> None:
    """Say that `done` of `total` is done; outside a task this does nothing."""
    claim = current_claim()
    if claim is None:
        return
    Task.objects.filter(
        pk=claim.task_id, attempt=claim.attempt, state=State.RUNNING
    ).update(progress_done=done, progress_total=total, progress_note=note[:200])
