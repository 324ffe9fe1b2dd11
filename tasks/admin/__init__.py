"""Tasks, workers, queues and schedules in admin."""

from __future__ import annotations

from tasks.admin import ledger, steering

__all__ = ["ledger", "steering"]
