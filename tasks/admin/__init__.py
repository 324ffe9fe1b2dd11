"""Tasks, workflows, the archive, workers, queues, actors, schedules, limits in admin."""

from __future__ import annotations

from tasks.admin import archive, gates, ledger, limits, steering, workflows

__all__ = ["archive", "gates", "ledger", "limits", "steering", "workflows"]
