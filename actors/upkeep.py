"""Actors that keep the house: the proof of life and the clearing of old tasks."""

from __future__ import annotations

from tasks.declaring import actor
from tasks.pruning import (
    prune_expired_rows,
    prune_finished_tasks,
    prune_finished_workflows,
)
from tasks.tallying import prune_tallies


@actor(queue="default", time_limit_minutes=15)
def debug_task() -> dict[str, bool]:
    """Prove that a worker is alive."""
    return {"alive": True}


@actor(queue="default", time_limit_minutes=15, periodic="0 * * * *")
def cleanup_old_task_results() -> dict[str, int]:
    """Delete what TASK_KEEP_DAYS lets go, and limits past their time, in small batches."""
    return {
        "deleted": prune_finished_tasks(),
        "workflows": prune_finished_workflows(),
        "expired": prune_expired_rows(),
        "tallies": prune_tallies(),
    }
