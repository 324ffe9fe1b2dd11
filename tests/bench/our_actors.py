"""The actors that ours is measured with."""

from __future__ import annotations

import time

from tasks.declaring import actor


@actor(queue="default", time_limit_minutes=1)
def bench_noop() -> None:
    """Do nothing; the ledger knows when."""


@actor(queue="default", time_limit_minutes=1)
def bench_measure_wait(sent_at: float) -> float:
    """Return the seconds since the task was enqueued."""
    return time.time() - sent_at
