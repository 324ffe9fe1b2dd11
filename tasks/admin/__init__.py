"""Tasks, workflows, the archive, workers, queues, actors, schedules, limits in admin."""

from __future__ import annotations

from tasks.admin import (
    archive,
    deliveries,
    gates,
    ledger,
    limits,
    steering,
    webhooks,
    workflows,
)

__all__ = [
    "archive",
    "deliveries",
    "gates",
    "ledger",
    "limits",
    "steering",
    "webhooks",
    "workflows",
]
