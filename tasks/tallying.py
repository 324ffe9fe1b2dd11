"""Fold what happened to tasks into tallies, so that it can be told without their rows.

The leading scheduler counts the rows between the mark and a horizon, adds them to the
tallies and moves the mark, all in one transaction. Whoever asks adds what lies behind
the mark: so the figures are exact and fresh, whatever dies and whatever is pruned.

A row is stamped while its transaction runs and seen when that has committed. The horizon
therefore lies before the start of every transaction that may still bring such a row.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

from tasks.tallies import BOUNDS

#: Seconds between two folds: what lies behind the mark is counted at every scrape.
FOLD_SECONDS = 3.0
#: Seconds that a statement has from its first look at the clock until it can be seen
#: among the others that run.
GRACE_SECONDS = 2.0
#: Days that minutes are kept; older ones become hours.
MINUTE_DAYS = 8

#: Columns that count, in the order of the statements below.
KINDS = (
    "enqueued", "runs", "succeeded", "failed", "cancelled", "poisoned", "retried",
    "deferred", "returned", "rescued",
)  # fmt: skip
SUMS = ("wait_us", "run_us")
BUCKETS = ("wait_buckets", "run_buckets")
COLUMNS = (*KINDS, *SUMS, *BUCKETS)

#: Writers by the start of their transaction; statements that may become writers by their
#: own. Only sessions: a replication's statement never ends.
_HORIZON = """
SELECT least(
    clock_timestamp() - make_interval(secs => %s),
    (
        SELECT min(CASE WHEN backend_xid IS NULL THEN query_start ELSE xact_start END)
        FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend'
            AND pid <> pg_backend_pid()
            AND (backend_xid IS NOT NULL OR state = 'active')
    )
)
"""

_BOUNDS = f"ARRAY[{', '.join(map(str, BOUNDS))}]::float8[]"
#: Never negative, should the server's clock be set back in between.
_US = "greatest((date_part('epoch', {0}) * 1000000)::bigint, 0)"

#: Rows of one kind, outcome and pair of buckets: a few hundred groups at the most.
ENDED = f"""
SELECT minute, queue, actor, kind, wait_bucket, run_bucket,
    count(*) AS n, sum(wait) AS wait_us, sum(run) AS run_us
FROM (
    SELECT {{minute_of_end}} AS minute, queue, actor, wait, run,
        CASE WHEN outcome <> 'lost' THEN outcome
             WHEN error_class = 'PoisonedTask' THEN 'poisoned'
             ELSE 'rescued' END AS kind,
        width_bucket(wait / 1000000.0::float8, {_BOUNDS}) AS wait_bucket,
        width_bucket(run / 1000000.0::float8, {_BOUNDS}) AS run_bucket
    FROM tasks_attempt,
        -- When a lost run ended nobody knows.
        LATERAL (SELECT {_US.format("started_at - due_at")} AS wait,
            CASE WHEN outcome <> 'lost' THEN {_US.format("finished_at - started_at")} END AS run
        ) AS seconds
    WHERE finished_at >= {{since}} AND finished_at < {{until}}
) AS attempt
GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608 - constants above

ENQUEUED = """
SELECT {minute_of_enqueue}, queue, actor, 'enqueued', NULL::int, NULL::int,
    count(*), 0, 0
FROM tasks_task WHERE created_at >= {since} AND created_at < {until}
GROUP BY 1, 2, 3
"""

#: Cancelled before they ran: nobody wrote an attempt of it. Only counted when they are
#: folded: one that a person runs again is no longer there.
_WITHDRAWN = """
SELECT date_trunc('minute', finished_at), queue, actor, 'withdrawn', NULL::int, NULL::int,
    count(*), 0, 0
FROM tasks_task AS task
WHERE state = 'cancelled' AND finished_at >= {since} AND finished_at < {until}
    AND NOT EXISTS (
        SELECT FROM tasks_attempt
        WHERE task_id = task.id AND number = task.attempt AND outcome = 'cancelled'
    )
GROUP BY 1, 2, 3
"""


def _counted(column: str) -> str:
    conditions = {
        "runs": "kind NOT IN ('enqueued', 'withdrawn')",
        "cancelled": "kind IN ('cancelled', 'withdrawn')",
    }
    condition = conditions.get(column, f"kind = '{column}'")
    return f"coalesce(sum(n) FILTER (WHERE {condition}), 0)::bigint AS {column}"


def _bucketed(column: str) -> str:
    bucket = column.removesuffix("s")
    counts = (
        f"coalesce(sum(n) FILTER (WHERE {bucket} = {number}), 0)::bigint"
        for number in range(len(BOUNDS) + 1)
    )
    return f"ARRAY[{', '.join(counts)}] AS {column}"


#: From groups to a row per minute, queue and actor.
SPREAD = ",\n    ".join(
    [
        *(_counted(column) for column in KINDS),
        *(f"coalesce(sum({column}), 0)::bigint AS {column}" for column in SUMS),
        *(_bucketed(column) for column in BUCKETS),
    ]
)

#: From rows of tallies to one of their sum.
_SUMMED = ",\n    ".join(
    [
        *(f"sum({column})::bigint AS {column}" for column in (*KINDS, *SUMS)),
        *(
            "ARRAY[{}] AS {}".format(
                ", ".join(
                    f"sum({column}[{number}])::bigint"
                    for number in range(1, len(BOUNDS) + 2)
                ),
                column,
            )
            for column in BUCKETS
        ),
    ]
)


def _added(table: str) -> str:
    """Return what adds a conflicting row to the one that is there."""
    plain = (
        f"{column} = {table}.{column} + excluded.{column}" for column in (*KINDS, *SUMS)
    )
    arrays = (
        f"{column} = ARRAY(SELECT one + other FROM"  # noqa: S608 - names of columns
        f" unnest({table}.{column}, excluded.{column}) WITH ORDINALITY"
        " AS pair(one, other, place) ORDER BY place)"
        for column in BUCKETS
    )
    return ", ".join([*plain, *arrays])


_COLUMNS = ", ".join(COLUMNS)
_RANGE = {
    "since": "%(since)s",
    "until": "%(until)s",
    "minute_of_end": "date_trunc('minute', finished_at)",
    "minute_of_enqueue": "date_trunc('minute', created_at)",
}

_FOLD = f"""
WITH grouped AS (
    {ENDED.format(**_RANGE)} UNION ALL {ENQUEUED.format(**_RANGE)}
    UNION ALL {_WITHDRAWN.format(**_RANGE)}
), counted AS MATERIALIZED (
    SELECT minute, queue, actor, {SPREAD} FROM grouped GROUP BY minute, queue, actor
), tallied AS (
    INSERT INTO tasks_tally (span, started_at, queue, actor, {_COLUMNS})
    SELECT 60, minute, queue, actor, {_COLUMNS} FROM counted
    ON CONFLICT (span, started_at, queue, actor) DO UPDATE SET {_added("tasks_tally")}
), totalled AS (
    INSERT INTO tasks_total (queue, actor, {_COLUMNS})
    SELECT queue, actor, {_SUMMED} FROM counted GROUP BY queue, actor
    ON CONFLICT (queue, actor) DO UPDATE SET {_added("tasks_total")}
)
UPDATE tasks_tallymark SET counted_until = %(until)s
"""  # noqa: S608 - names of columns above

_COARSEN = f"""
WITH old AS (
    DELETE FROM tasks_tally
    WHERE span = 60 AND started_at < date_trunc(
        'hour', clock_timestamp() - make_interval(days => %s), 'UTC')
    RETURNING *
)
INSERT INTO tasks_tally (span, started_at, queue, actor, {_COLUMNS})
SELECT 3600, date_trunc('hour', started_at, 'UTC'), queue, actor, {_SUMMED}
FROM old GROUP BY 2, 3, 4
ON CONFLICT (span, started_at, queue, actor) DO UPDATE SET {_added("tasks_tally")}
"""  # noqa: S608 - names of columns above


def fold(every_seconds: float = 0.0) -> bool:
    """Count what is certain by now and move the mark; False when there was nothing to do.

    The mark moves by `every_seconds` at least. Where another one folds just now, or hangs
    in it, this leaves it alone: a scheduler has more to do.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tasks_tallymark (id, counted_until) VALUES (1, 'epoch')"
            " ON CONFLICT DO NOTHING"
        )
        cursor.execute(
            "SELECT counted_until FROM tasks_tallymark FOR UPDATE SKIP LOCKED"
        )
        row = cursor.fetchone()
        if row is None:
            return False
        since = row[0]
        # Looked up before the count, so that what ends in between is seen by it.
        cursor.execute(_HORIZON, [GRACE_SECONDS])
        until = cursor.fetchone()[0]
        if (until - since).total_seconds() <= every_seconds:
            return False
        cursor.execute(_FOLD, {"since": since, "until": until})
    return True


def prune_tallies() -> int:
    """Make hours of old minutes, and delete what TASK_HISTORY_DAYS lets go."""
    with connection.cursor() as cursor:
        cursor.execute(_COARSEN, [MINUTE_DAYS])
        cursor.execute(
            "DELETE FROM tasks_tally"
            " WHERE started_at < clock_timestamp() - make_interval(days => %s)",
            [settings.TASK_HISTORY_DAYS],
        )
        return int(cursor.rowcount)
