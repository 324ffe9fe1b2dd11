"""How many worker processes a pool wants: by backlog and age of the oldest, unhurried.

Values in, values out; the supervisor measures and acts.
"""

from __future__ import annotations

from dataclasses import dataclass

#: A task that waits longer calls for another process.
PATIENCE_SECONDS = 5.0
#: So many waiting tasks per thread call for another process at once.
WAITING_PER_THREAD = 10
#: So long nothing may have waited before a process is let go.
CALM_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a pool has before it."""

    waiting: int
    oldest_seconds: float
    running: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool's size and its bounds."""

    size: int
    minimum: int
    maximum: int
    threads: int


def is_calm(pool: Pool, load: Load) -> bool:
    """Whether one process less would do: nothing waits and what runs would fit."""
    return load.waiting == 0 and load.running <= (pool.size - 1) * pool.threads


def wanted_size(pool: Pool, load: Load, calm_seconds: float) -> int:
    """Return the size that the pool should have now: at most one more or one less.

    `calm_seconds` is how long `is_calm` has been true without a break. Growing is quick
    and shrinking slow, so that a load which comes and goes does not start and stop
    processes all the time.
    """
    if not pool.minimum <= pool.size <= pool.maximum:
        return min(max(pool.size, pool.minimum), pool.maximum)
    crowd = pool.size * pool.threads * WAITING_PER_THREAD
    is_late = load.waiting > 0 and load.oldest_seconds >= PATIENCE_SECONDS
    if is_late or load.waiting > crowd:
        return min(pool.size + 1, pool.maximum)
    if calm_seconds >= CALM_SECONDS:
        return max(pool.size - 1, pool.minimum)
    return pool.size
