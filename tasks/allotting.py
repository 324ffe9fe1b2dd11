"""Ask many limits at once, for many takers in turn: all of a taker's limits, or none.

Beside the paces of `tasks.limits`, with which their rows are shared, there are quotas: so
much until a moment. All rows are locked together, in one order, and stay locked to the
end of the caller's transaction, so no other process decides on the same figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection


class Pace(NamedTuple):
    """One slot per interval; who comes late may catch up on `slack_seconds` (GCRA).

    One that does not hold never refuses: its next slot only comes an interval after this.
    """

    key: str
    interval_seconds: float
    slack_seconds: float = 0.0
    holds: bool = True


class Quota(NamedTuple):
    """At most so many until `ends_at` (aware); the key names the period, too.

    One that does not hold never refuses: it only counts, beyond its most, too.
    """

    key: str
    most: int
    ends_at: datetime
    holds: bool = True


Limit = Pace | Quota


class Refused(NamedTuple):
    """The limit that holds a taker back the longest, and until when."""

    limit: Limit
    until: datetime


@dataclass(slots=True)
class Standing:
    """How limits stand at one moment: what is taken next changes it. Pure."""

    now: datetime
    #: Of each pace, when its next slot is free, without slack.
    next_at: dict[str, datetime] = field(default_factory=dict)
    #: Of each quota, how much is used.
    used: dict[str, int] = field(default_factory=dict)

    def take(self, limits: Sequence[Limit]) -> Refused | None:
        """Take one slot of each, or say which limit refuses and take nothing."""
        refusals = [
            Refused(limit, free_at)
            for limit in limits
            if limit.holds and (free_at := self._free_at(limit)) > self.now
        ]
        if refusals:
            return max(refusals, key=lambda refused: refused.until)
        for limit in limits:
            if isinstance(limit, Quota):
                self.used[limit.key] = self.used.get(limit.key, 0) + 1
            else:
                self.next_at[limit.key] = self._next_at(limit)
        return None

    def _next_at(self, pace: Pace) -> datetime:
        """Give when the next slot is free once one is taken now."""
        planned = max(self.next_at.get(pace.key, self.now), self.now)
        interval = _seconds(pace.interval_seconds)
        return planned + interval if pace.holds else max(planned, self.now + interval)

    def _free_at(self, limit: Limit) -> datetime:
        if isinstance(limit, Quota):
            return (
                limit.ends_at if self.used.get(limit.key, 0) >= limit.most else self.now
            )
        return self.next_at.get(limit.key, self.now) - _seconds(limit.slack_seconds)


def allot(takers: Sequence[Sequence[Limit]]) -> list[Refused | None]:
    """Let each taker in turn have one slot of all its limits, or none of them.

    Joins the caller's transaction, which has to end soon. A refused taker has taken
    nothing, so it may wait until the moment that is named and ask again.
    """
    limits = {limit.key: limit for taker in takers for limit in taker}
    if not limits:
        return [None] * len(takers)
    standing = _locked(limits)
    answers = [standing.take(taker) for taker in takers]
    _store(standing, limits.values())
    return answers


def give_back(keys: Iterable[str]) -> None:
    """Return one slot of a quota for each time that its key is named."""
    counts: dict[str, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    if counts:
        with connection.cursor() as cursor:
            cursor.execute(
                _GIVE_BACK, [sorted(counts), [counts[k] for k in sorted(counts)]]
            )


#: The outer query reads the clock after the inner one has its locks.
_LOCK = """
SELECT key, {value}, clock_timestamp() FROM (
    SELECT * FROM {table} WHERE key = ANY(%s) ORDER BY key FOR UPDATE
) AS locked
"""
_PACES = _LOCK.format(table="tasks_pace", value="next_at")
_COUNTERS = _LOCK.format(
    table="tasks_counter",
    value="CASE WHEN expires_at > clock_timestamp() THEN value ELSE 0 END",
)
_NEW_PACES = """
INSERT INTO tasks_pace (key, next_at) SELECT key, clock_timestamp()
FROM unnest(%s::text[]) AS wanted(key) ORDER BY key ON CONFLICT DO NOTHING
"""
_NEW_COUNTERS = """
INSERT INTO tasks_counter (key, value, expires_at) SELECT key, 0, clock_timestamp()
FROM unnest(%s::text[]) AS wanted(key) ORDER BY key ON CONFLICT DO NOTHING
"""
_STORE_PACES = """
UPDATE tasks_pace AS pace SET next_at = taken.next_at
FROM unnest(%s::text[], %s::timestamptz[]) AS taken(key, next_at)
WHERE pace.key = taken.key
"""
_STORE_COUNTERS = """
UPDATE tasks_counter AS counter SET value = taken.value, expires_at = taken.expires_at
FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[]) AS taken(key, value, expires_at)
WHERE counter.key = taken.key
"""
#: Locked in the order of `_LOCK`, whatever the planner likes.
_GIVE_BACK = """
UPDATE tasks_counter AS counter SET value = greatest(0, counter.value - given.count)
FROM (
    SELECT locked.key, wanted.count FROM unnest(%s::text[], %s::bigint[])
        AS wanted(key, count)
    JOIN tasks_counter AS locked ON locked.key = wanted.key
    ORDER BY locked.key FOR UPDATE OF locked
) AS given
WHERE counter.key = given.key
"""


def _locked(limits: Mapping[str, Limit]) -> Standing:
    paces = sorted(key for key, one in limits.items() if isinstance(one, Pace))
    quotas = sorted(key for key, one in limits.items() if isinstance(one, Quota))
    pace_rows = _lock_rows(_PACES, _NEW_PACES, paces)
    quota_rows = _lock_rows(_COUNTERS, _NEW_COUNTERS, quotas)
    return Standing(
        max(row[2] for row in [*pace_rows, *quota_rows]),
        {key: next_at for key, next_at, _ in pace_rows},
        {key: value for key, value, _ in quota_rows},
    )


def _lock_rows(
    lock: str, create: str, keys: list[str]
) -> list[tuple[str, Any, datetime]]:
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(lock, [keys])
        rows: list[tuple[str, Any, datetime]] = cursor.fetchall()
        if len(rows) < len(keys):
            cursor.execute(create, [keys])
            cursor.execute(lock, [keys])
            rows = cursor.fetchall()
    return rows


def _store(standing: Standing, limits: Iterable[Limit]) -> None:
    quotas = [limit for limit in limits if isinstance(limit, Quota)]
    with connection.cursor() as cursor:
        if standing.next_at:
            cursor.execute(
                _STORE_PACES, [[*standing.next_at], [*standing.next_at.values()]]
            )
        if quotas:
            cursor.execute(
                _STORE_COUNTERS,
                [
                    [one.key for one in quotas],
                    [standing.used[one.key] for one in quotas],
                    [one.ends_at for one in quotas],
                ],
            )


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
