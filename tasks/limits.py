"""Paces that all processes share: at most one slot per interval and key.

The algorithm is GCRA (ITU-T I.371): one row per key holds the theoretical arrival
time of the next slot, so taking a slot is one statement and needs no window of
counters. A key is any short text, such as `email:account:7`.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

_RESERVE = """
INSERT INTO tasks_pace AS pace (key, next_at)
VALUES (%(key)s, clock_timestamp() + make_interval(secs => %(cost)s))
ON CONFLICT (key) DO UPDATE
    SET next_at = greatest(pace.next_at, clock_timestamp()) + make_interval(secs => %(cost)s)
RETURNING greatest(pace.next_at - make_interval(secs => %(cost)s) - make_interval(secs => %(slack)s), clock_timestamp())
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
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RESERVE, _parameters(key, interval_seconds, burst, count))
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
    # The row can't be missing: paces are never deleted while they are in use.
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
