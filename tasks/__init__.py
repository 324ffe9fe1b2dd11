"""The task ledger: what other rooms need of it, under one name.

    tasks.enqueue("analyze_lead", lead_id=7)
    tasks.progress(3, 10, "pages read")

Each name is looked up when it is first used, because the models behind it can only be
imported once Django is set up.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.cancelling import check_cancelled
    from tasks.claiming import complete
    from tasks.controlling import cancel, retry
    from tasks.enqueueing import enqueue, enqueue_many
    from tasks.progressing import progress
    from tasks.unique import Unique

__all__ = [
    "Unique",
    "cancel",
    "check_cancelled",
    "complete",
    "enqueue",
    "enqueue_many",
    "progress",
    "retry",
]

_HOMES = {
    "Unique": "tasks.unique",
    "cancel": "tasks.controlling",
    "check_cancelled": "tasks.cancelling",
    "complete": "tasks.claiming",
    "enqueue": "tasks.enqueueing",
    "enqueue_many": "tasks.enqueueing",
    "progress": "tasks.progressing",
    "retry": "tasks.controlling",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
