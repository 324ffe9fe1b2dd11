"""Tasks, workflows, workers, queues, actors, schedules and limits in admin."""

from __future__ import annotations

from tasks.admin import gates, ledger, limits, steering, workflows

__all__ = ["gates", "ledger", "limits", "steering", "workflows"]
