"""Actors that keep the house: the proof of life and the clearing of old tasks."""

from __future__ import annotations

from typing import Any

from tasks.archiving import archive_finished_tasks, drop_old_months
from tasks.declaring import actor
from tasks.pruning import (
    prune_expired_rows,
    prune_finished_workflows,
    prune_stopped_workers,
)
from tasks.tallying import prune_tallies
from tasks.webhooks.clearing import clear_deliveries
from tasks.webhooks.judging import POLICY
from tasks.webhooks.subscribing import follow_unfinished


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
        "deliveries": clear_deliveries(),
        "expired": prune_expired_rows(),
        "tallies": prune_tallies(),
    }


@actor(
    queue="default",
    time_limit_minutes=1,
    max_attempts=POLICY.max_attempts,
    max_age=POLICY.max_age,
    base_seconds=POLICY.base_seconds,
    ceiling_seconds=POLICY.ceiling_seconds,
)
def deliver_webhook(delivery_id: str) -> dict[str, Any]:
    """Tell one address of one event; tried for a day."""
    # Where it is needed: an idle worker holds no HTTP client.
    from tasks.webhooks.delivering import deliver

    return deliver(delivery_id)


@actor(queue="default", time_limit_minutes=15)
def follow_unfinished_tasks(webhook_id: int) -> dict[str, int]:
    """Let a webhook hear of the ends of tasks that were enqueued before it was added."""
    return {"marked": follow_unfinished(webhook_id)}
