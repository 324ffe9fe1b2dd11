"""Leases: slots and locks that are held by a row each, and come back if their holder dies.

A shared counter, as Dramatiq's limiter keeps it, forgets who holds what: a holder past
its time frees somebody else's slot, and a crashed one's never comes back while others
keep the counter alive. Here every holder has a row with a fencing number and an expiry
that a thread of its process renews.

Rows in place of session advisory locks: those cost a connection per holder, do not pass
a transaction pooler, and go to the next holder when a connection drops while the first
works on, with no number by which its late writes could be refused.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from django.db import (
    DatabaseError,
    InterfaceError,
    close_old_connections,
    connection,
    transaction,
)

from fliptech_site.errors import RateLimited, TransientError
from tasks.current import current_claim
from tasks.waking import CHANNEL, topic

logger = logging.getLogger(__name__)

#: Seconds between two tries of a renewal that failed.
RENEW_AGAIN_SECONDS = 1.0
#: A refused caller is told to come again no later than this; a slot may be free sooner
#: than the first lease runs out.
RETRY_SECONDS = 5.0

#: Leases over which a holder's transaction stands guard are left; they count as held.
_DROP_EXPIRED = """
DELETE FROM tasks_lease WHERE id IN (
    SELECT id FROM tasks_lease
    WHERE key = %(key)s AND expires_at <= clock_timestamp() FOR UPDATE SKIP LOCKED
)
"""

_TAKE = """
INSERT INTO tasks_lease (key, owner, expires_at)
SELECT %(key)s, %(owner)s, clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE (SELECT count(*) FROM tasks_lease WHERE key = %(key)s) < %(limit)s
RETURNING id
"""

_NEXT_END = """
SELECT extract(epoch FROM min(expires_at) - clock_timestamp())
FROM tasks_lease WHERE key = %s
"""

#: A row that is still there was never given to another, even past its time.
_RENEW = """
UPDATE tasks_lease
SET expires_at = clock_timestamp() + make_interval(secs => held.seconds)
FROM unnest(%(ids)s::bigint[], %(seconds)s::float[]) AS held(id, seconds)
WHERE tasks_lease.id = held.id
RETURNING tasks_lease.id
"""

_RELEASE = """
DELETE FROM tasks_lease WHERE id = %s
RETURNING CASE WHEN is_awaited THEN pg_notify(%s, %s) END
"""


class LostLock(TransientError):
    """Raised when a holder goes on after its lock or slot was given to another."""


@dataclass(eq=False)
class Lease:
    """A slot or lock in the hands of this process."""

    key: str
    #: Fencing number: a later holder of the key has a higher one.
    number: int
    seconds: float
    #: Set as soon as this process knows that the lease was lost.
    lost: threading.Event = field(default_factory=threading.Event)

    def guard(self) -> None:
        """Hold the lease until the caller's transaction ends, or raise LostLock.

        Effects that commit in this transaction were made by the only rightful holder.
        Outside a transaction it only looks.
        """
        with connection.cursor() as cursor:
            # Goes together with a renewal, and not with the lease being taken away.
            cursor.execute(
                "SELECT true FROM tasks_lease WHERE id = %s FOR KEY SHARE",
                [self.number],
            )
            if cursor.fetchone() is None:
                self.lost.set()
        if self.lost.is_set():
            raise LostLock(
                f"{self.key!r} was lost to another holder; this run goes no further."
            )

    def renew(self) -> None:
        """Let the lease last `seconds` from now; raises LostLock when it is gone."""
        _renew_all({self.number: self})
        self.guard()


def take(key: str, *, limit: int, lease_seconds: float) -> Lease | None:
    """Take one of `limit` slots for `lease_seconds`, or return None when all are held.

    For holders that outlive a `with` block; nothing renews it but `Lease.renew`. Not
    to be called in a transaction: others could not see it (RuntimeError).
    """
    if limit < 1 or lease_seconds <= 0:
        raise ValueError(
            f"A lease needs limit >= 1 and lease_seconds > 0; {key!r} was asked with"
            f" {limit} and {lease_seconds}."
        )
    parameters: dict[str, str | float] = {
        "key": key,
        "owner": _owner(),
        "seconds": lease_seconds,
        "limit": limit,
    }
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        # Callers of one key count one after the other, each with fresh eyes.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"tasks_lease:{key}"],
        )
        cursor.execute(_DROP_EXPIRED, parameters)
        cursor.execute(_TAKE, parameters)
        row = cursor.fetchone()
    return Lease(key, row[0], lease_seconds) if row else None


def release(lease: Lease) -> bool:
    """Give a lease back; False when it had been lost."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [lease.number, CHANNEL, topic("lease", lease.key)])
        return cursor.fetchone() is not None


@contextmanager
def concurrency(
    key: str, *, limit: int, lease_seconds: float = 60.0
) -> Iterator[Lease]:
    """Hold one of `limit` slots that all processes share; renewed while the block runs.

    Raises RateLimited when all are held, so a task waits and keeps its attempts. When
    this process dies the slot is free after `lease_seconds`.
    """
    lease = take(key, limit=limit, lease_seconds=lease_seconds)
    if lease is None:
        raise RateLimited(
            f"All {limit} slots of {key!r} are held.",
            retry_after=min(seconds_to_next_end(key), RETRY_SECONDS),
        )
    with keeping(lease):
        yield lease


@contextmanager
def keeping(lease: Lease) -> Iterator[None]:
    """Renew `lease` while the block runs, and give it back at the end."""
    keeper.add(lease)
    try:
        yield
    finally:
        keeper.remove(lease)
        try:
            if not release(lease):
                lease.lost.set()
                logger.warning("%r had been lost to another holder.", lease.key)
        except (DatabaseError, InterfaceError) as error:
            # It comes back by itself; the block's own outcome is what matters.
            logger.warning("%r is not given back but runs out: %s", lease.key, error)


def seconds_to_next_end(key: str) -> float:
    """Return the seconds until the first lease of `key` runs out, at least 0.01."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_END, [key])
        row = cursor.fetchone()
    return max(float(row[0] or 0), 0.01)


class Keeper:
    """The thread that renews all leases of this process, each at a third of its time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._leases: dict[int, Lease] = {}
        self._is_running = False
        self._pid = 0

    def add(self, lease: Lease) -> None:
        """Renew `lease` from now on."""
        # After a fork only the forking thread lives on, and the leases are the parent's.
        if self._pid != os.getpid():
            self._changed = threading.Condition()
            self._leases, self._is_running, self._pid = {}, False, os.getpid()
        with self._changed:
            self._leases[lease.number] = lease
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="leases", daemon=True).start()
            self._changed.notify()

    def remove(self, lease: Lease) -> None:
        """Renew `lease` no more."""
        with self._changed:
            self._leases.pop(lease.number, None)
            self._changed.notify()

    def _run(self) -> None:
        due_at: dict[int, float] = {}
        while True:
            with self._changed:
                if not self._leases:
                    self._is_running = False
                    break
                now = time.monotonic()
                due_at = {
                    number: due_at.get(number, now + lease.seconds / 3)
                    for number, lease in self._leases.items()
                }
                due = {
                    n: lease for n, lease in self._leases.items() if due_at[n] <= now
                }
                if not due:
                    self._changed.wait(min(due_at.values()) - now)
                    continue
            due_at |= self._renew(due)
        connection.close()

    def _renew(self, due: Mapping[int, Lease]) -> dict[int, float]:
        """Renew what is due and return when each is due again."""
        try:
            close_old_connections()
            _renew_all(due)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Leases could not be renewed, trying again: %s", error)
            with suppress(DatabaseError, InterfaceError):
                connection.close()
            again = {n: min(RENEW_AGAIN_SECONDS, due[n].seconds / 10) for n in due}
        else:
            again = {number: lease.seconds / 3 for number, lease in due.items()}
        now = time.monotonic()
        return {number: now + seconds for number, seconds in again.items()}


def _renew_all(leases: Mapping[int, Lease]) -> None:
    # In one order everywhere, so that two processes can't lock each other.
    numbers = sorted(leases)
    with connection.cursor() as cursor:
        cursor.execute(
            _RENEW, {"ids": numbers, "seconds": [leases[n].seconds for n in numbers]}
        )
        kept = {row[0] for row in cursor.fetchall()}
    for number in leases.keys() - kept:
        leases[number].lost.set()


def _owner() -> str:
    held = current_claim()
    task = f" task {held.task_id}" if held else ""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}{task}"


keeper = Keeper()
