"""Locks that all processes share: a lease of one, with waiting and fencing.

A holder that was cut off is found out three ways: `lock.guard()` in the transaction
that matters, `lock.lost` at any time, and the end of the block. What can't ask, such as
a file or another server, is given `lock.number`: it refuses numbers lower than one that
it has seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from fliptech_site.errors import RateLimited
from tasks.leases import (
    RETRY_SECONDS,
    Lease,
    LostLock,
    keeping,
    seconds_to_next_end,
    take,
)
from tasks.waking import topic, wait_for

#: Marked by those who wait; giving the lock back then notifies them. It tells whether
#: there was a holder to be marked, or the lock is just changing hands.
_AWAIT = """
WITH marked AS (
    UPDATE tasks_lease SET is_awaited = true
    WHERE key = %(key)s AND NOT is_awaited RETURNING true
)
SELECT EXISTS (SELECT FROM marked)
    OR EXISTS (SELECT FROM tasks_lease WHERE key = %(key)s AND is_awaited)
"""


@contextmanager
def lock(
    key: str, *, wait_seconds: float = 0, lease_seconds: float = 30.0
) -> Iterator[Lease]:
    """Hold the lock `key`, alone among all processes, while the block runs.

    Waits up to `wait_seconds` for it, then raises RateLimited. It is renewed while the
    block runs; when this process dies it is free after `lease_seconds`. Raises LostLock
    at the end of a block that had lost it: then what was not done in a transaction
    with `guard()` may have met another holder's work. Not to be taken inside a
    transaction (RuntimeError).
    """

    key = f"lock:{key}"

    def attempt() -> Lease | None:
        return take(key, limit=1, lease_seconds=lease_seconds)

    held = wait_for([topic("lease", key)], attempt, wait_seconds, lambda: _mark(key))
    if held is None:
        raise RateLimited(
            f"{key!r} is held by another.",
            retry_after=min(seconds_to_next_end(key), RETRY_SECONDS),
        )
    with keeping(held):
        yield held
    if held.lost.is_set():
        raise LostLock(f"{key!r} was lost to another holder meanwhile.")


def _mark(key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_AWAIT, {"key": key})
        row = cursor.fetchone()
    return bool(row[0])
