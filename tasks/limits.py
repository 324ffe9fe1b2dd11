"""Paces that all processes share, and the backend of Dramatiq's own rate limiters.

The algorithm of a pace is GCRA (ITU-T I.371): one row per key holds the theoretical
arrival time of the next slot, so taking a slot is one statement and needs no window of
counters. A key is any short text, such as `email:account:7`.

Dramatiq's limiters count. They are here because code and documentation know them; for
work of our own take a pace, or a lease of `tasks.leases`, which outlives its holder's
death. Everything here joins the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from dramatiq.rate_limits import RateLimiterBackend

from tasks.waking import CHANNEL, topic, wait_for

_RESERVE = """
INSERT INTO tasks_pace AS pace (key, next_at)
VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(cost)s))
ON CONFLICT (key) DO UPDATE
    SET next_at = greatest(pace.next_at, clock_timestamp()) + make_interval(secs => %(cost)s)
RETURNING pace.next_at - make_interval(secs => %(cost)s), clock_timestamp()
"""

_TAKE = """
INSERT INTO tasks_pace AS pace (key, next_at)
VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(cost)s))
ON CONFLICT (key) DO UPDATE
    SET next_at = greatest(pace.next_at, clock_timestamp()) + make_interval(secs => %(cost)s)
    WHERE pace.next_at - make_interval(secs => %(slack)s) <= clock_timestamp()
RETURNING true
"""

_WAIT = """
SELECT extract(epoch FROM next_at - make_interval(secs => %(slack)s) - clock_timestamp())
FROM tasks_pace WHERE key = %(key)s
"""


_NEXT = """
SELECT greatest(
    (SELECT next_at - make_interval(secs => %(slack)s) FROM tasks_pace WHERE key = %(key)s),
    clock_timestamp()
)
"""


def _parameters(
    key: str, interval_seconds: float, burst: int, count: int
) -> dict[str, str | float]:
    if interval_seconds < 0 or burst < 1 or count < 1:
        raise ValueError(
            f"A pace needs interval_seconds >= 0, burst >= 1 and count >= 1; {key!r}"
            f" was asked with {interval_seconds}, {burst} and {count}."
        )
    return {
        "key": key,
        "cost": interval_seconds * count,
        "slack": interval_seconds * (burst - 1),
    }


def reserve(
    key: str, *, interval_seconds: float, burst: int = 1, count: int = 1
) -> datetime:
    """Reserve the next `count` slots and return when the first may be used.

    The slots are taken, now or in the future: use them, by waiting or by planning
    `run_at`. To ask without taking a later slot, call `take`. `burst` slots may be
    used at once after a quiet time.
    """
    return reserve_each(
        key, interval_seconds=interval_seconds, burst=burst, count=count
    )[0]


def reserve_each(
    key: str, *, interval_seconds: float, count: int, burst: int = 1
) -> list[datetime]:
    """Reserve the next `count` slots together and return when each may be used.

    The times ascend; plan the work for them. Otherwise as `reserve`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, _parameters(key, interval_seconds, burst, count))
        arrival, now = cursor.fetchone()
    return [
        max(arrival + timedelta(seconds=interval_seconds * (number - burst + 1)), now)
        for number in range(count)
    ]


def next_free(key: str, *, interval_seconds: float, burst: int = 1) -> datetime:
    """Return when the next slot may be used, now or later, and take nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, _parameters(key, interval_seconds, burst, 1))
        row = cursor.fetchone()
    free_at: datetime = row[0]
    return free_at


def take(key: str, *, interval_seconds: float, burst: int = 1) -> float:
    """Take one slot if it is free now; return 0.0, or the seconds until one is.

    When the answer is above zero nothing was taken, so a caller may raise
    `RateLimited(retry_after=…)` and ask again later without starving itself.
    """
    parameters = _parameters(key, interval_seconds, burst, 1)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, parameters)
        if cursor.fetchone():
            return 0.0
        cursor.execute(_WAIT, parameters)
        row = cursor.fetchone()
    # The row can't be missing: only paces whose time is past are pruned.
    return max(float(row[0]), 0.001) if row else 0.001


def hold_until(key: str, moment: datetime) -> None:
    """Let no slot of `key` start before `moment`, as a Retry-After header asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tasks_pace AS pace (key, next_at) VALUES (%s, %s)"
            " ON CONFLICT (key) DO UPDATE"
            " SET next_at = greatest(pace.next_at, excluded.next_at)",
            [key, moment],
        )


def shorten(key: str, moment: datetime) -> None:
    """Let the next slot of `key` be free at `moment`, if it were free only later.

    For who planned work for its slots and gave it up.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_pace SET next_at = %(moment)s"
            " WHERE key = %(key)s AND next_at > %(moment)s",
            {"key": key, "moment": moment},
        )


def forget(key: str) -> None:
    """Let the next slot of `key` be free now, and of all keys under it (`key:…`)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM tasks_pace WHERE key = %s OR starts_with(key, %s)",
            [key, f"{key}:"],
        )


#: Counts by `delta` when the sum stays within [low, high]; a counter past its time is 0.
_COUNT = """
INSERT INTO tasks_counter AS counter (key, value, expires_at)
SELECT %(key)s, %(delta)s, clock_timestamp() + make_interval(secs => %(ttl)s)
WHERE %(delta)s BETWEEN %(low)s AND %(high)s
    OR EXISTS (SELECT FROM tasks_counter WHERE key = %(key)s)
ON CONFLICT (key) DO UPDATE SET
    value = %(delta)s
        + CASE WHEN counter.expires_at > clock_timestamp() THEN counter.value ELSE 0 END,
    expires_at = clock_timestamp() + make_interval(secs => %(ttl)s)
WHERE %(delta)s
    + CASE WHEN counter.expires_at > clock_timestamp() THEN counter.value ELSE 0 END
    BETWEEN %(low)s AND %(high)s
RETURNING true
"""

_ADD = """
INSERT INTO tasks_counter AS counter (key, value, expires_at)
VALUES (%(key)s, %(value)s, clock_timestamp() + make_interval(secs => %(ttl)s))
ON CONFLICT (key) DO UPDATE SET
    value = excluded.value,
    expires_at = clock_timestamp() + make_interval(secs => %(ttl)s)
WHERE counter.expires_at <= clock_timestamp()
RETURNING true
"""

#: Locks the counters in one order, so that two sums can't lock each other.
_SUM = """
SELECT coalesce(sum(value) FILTER (WHERE expires_at > clock_timestamp()), 0)
FROM (
    SELECT value, expires_at FROM tasks_counter
    WHERE key = ANY(%s) ORDER BY key FOR UPDATE
) AS counter
"""

_SIGNAL = """
INSERT INTO tasks_signal (key, expires_at)
VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(ttl)s))
ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at
RETURNING pg_notify(%(channel)s, %(payload)s)
"""

_LEAST, _MOST = -(2**63) + 1, 2**63 - 1


class PostgresRateLimiterBackend(RateLimiterBackend):
    """Dramatiq's rate limiters, barriers and group callbacks on PostgreSQL.

    Times to live and timeouts are in milliseconds. A counter that is missing or past
    its time counts as 0; each change that was allowed starts its time anew.
    """

    def add(self, key: str, value: int, ttl: int) -> bool:
        """Set a counter unless it exists; return whether it was set."""
        return _is_done(_ADD, {"key": key, "value": value, "ttl": ttl / 1000})

    def incr(self, key: str, amount: int, maximum: int, ttl: int) -> bool:
        """Count up unless that exceeds `maximum`; return whether it was counted."""
        return _count(key, amount, _LEAST, maximum, ttl)

    def decr(self, key: str, amount: int, minimum: int, ttl: int) -> bool:
        """Count down unless that falls below `minimum`; return whether it was counted."""
        return _count(key, -amount, minimum, _MOST, ttl)

    def incr_and_sum(
        self,
        key: str,
        keys: Callable[[], Sequence[str]],
        amount: int,
        maximum: int,
        ttl: int,
    ) -> bool:
        """Count up unless the sum over `keys()` would exceed `maximum`.

        `keys` is called inside the critical section, which all keys share that are the
        same up to their last `@`, as the seconds of one window are.
        """
        with transaction.atomic():
            with connection.cursor() as cursor:
                # The row of a new second can't be locked before it is there.
                cursor.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                    [f"tasks_counter:{key.rpartition('@')[0] or key}"],
                )
                cursor.execute(_SUM, [list(keys())])
                row = cursor.fetchone()
            if row[0] + amount > maximum:
                return False
            return _count(key, amount, _LEAST, maximum, ttl)

    def wait(self, key: str, timeout: int | None) -> bool:
        """Wait until `wait_notify` was called for `key`, before or after this call.

        Returns False after `timeout` milliseconds; None waits without an end.
        """

        def has_happened() -> bool | None:
            return (
                _is_done(
                    "SELECT true FROM tasks_signal"
                    " WHERE key = %(key)s AND expires_at > clock_timestamp()",
                    {"key": key},
                )
                or None
            )

        seconds = None if timeout is None else timeout / 1000
        return bool(wait_for([topic("signal", key)], has_happened, seconds))

    def wait_notify(self, key: str, ttl: int) -> None:
        """Wake all who wait for `key`, and all who come within `ttl`."""
        _is_done(
            _SIGNAL,
            {
                "key": key,
                "ttl": ttl / 1000,
                "channel": CHANNEL,
                "payload": topic("signal", key),
            },
        )


def _count(key: str, delta: int, low: int, high: int, ttl: int) -> bool:
    return _is_done(
        _COUNT,
        {"key": key, "delta": delta, "low": low, "high": high, "ttl": ttl / 1000},
    )


def _is_done(statement: str, parameters: Mapping[str, str | float]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone() is not None
