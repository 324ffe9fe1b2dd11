"""Actors that keep the house: the proof of life and the clearing of old tasks."""

from __future__ import annotations

from tasks.archiving import archive_finished_tasks, drop_old_months
from tasks.declaring import actor
from tasks.pruning import (
    prune_expired_rows,
    prune_finished_workflows,
    prune_stopped_workers,
)
from tasks.tallying import prune_tallies


@actor(queue="default", time_limit_minutes=15)
def debug_task() -> dict[str, bool]:
    """Prove that a worker is alive."""
    return {"alive": True}


@actor(queue="default", time_limit_minutes=15, periodic="0 * * * *")
def cleanup_old_task_results() -> dict[str, int]:
    """Archive what TASK_KEEP_… lets go, drop old months, and delete what has expired."""
    return {
        # First, since the tasks of a workflow stay as long as it does.
        "workflows": prune_finished_workflows(),
        "archived": archive_finished_tasks(),
        "dropped_months": len(drop_old_months()),
        "workers": prune_stopped_workers(),
        "expired": prune_expired_rows(),
        "tallies": prune_tallies(),
    }
