"""Tasks, workers, queues, schedules and limits in admin."""

from __future__ import annotations

from tasks.admin import ledger, limits, steering

__all__ = ["ledger", "limits", "steering"]
