"""Move finished tasks past their time into the archive, and drop its oldest months.

The live table stays small; of each task one slim row stays much longer. A task and its
attempts leave in the statement that writes that row, so it is in exactly one of the two
places whatever dies, and a run that was cut off goes on with the next. The archive is
partitioned by month: what is too old goes as a table, which costs the same however many
rows it had, and leaves nothing for VACUUM.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from tasks.archive_rows import KEPT_ERROR
from tasks.models import ArchivedTask
from tasks.progressing import progress
from tasks.states import State

#: Tasks moved in one transaction: short locks, little to do again after a crash.
BATCH = 1000
#: Milliseconds that the dropping of a month waits for those who read the archive; it
#: is tried again at the next run.
LOCK_MILLISECONDS = 2000
TABLE = "tasks_archivedtask"

#: Why a finished task (`task`) is not to be moved yet. What else has a use for the rows
#: of finished tasks adds its condition here.
STILL_NEEDED = (
    # It holds its unique key for a period.
    "task.unique_until > clock_timestamp() AND task.unique_hold <> 'unfinished'",
    # Who follows it has not been told yet.
    "EXISTS (SELECT FROM tasks_end WHERE tasks_end.task_id = task.id)",
    # Its workflow may still want its result, or be run again.
    "EXISTS (SELECT FROM tasks_node WHERE tasks_node.id = task.id)",
)

_COLUMNS = """
    id, actor, queue, state, attempt, failures, rescues, created_at, started_at,
    finished_at, error_class, error_message, unique_key, parent_id, root_id
"""

#: Ciphertext that is cut can't be read, and would need its key for years.
_KEPT_MESSAGE = """
    CASE WHEN is_sealed AND starts_with(error_message, '{"sealed"') THEN 'sealed'
        ELSE left(error_message, %(kept)s) END
"""

#: `after` is where the batch before ended, so that those still needed are passed once.
#: Rows that somebody is just writing, such as a retry by hand, are left for next time.
_MOVE = f"""
WITH old AS MATERIALIZED (
    SELECT id FROM tasks_task AS task
    WHERE state = %(state)s AND finished_at >= %(after)s AND finished_at < %(before)s
        AND ({" AND ".join(f"({reason}) IS NOT TRUE" for reason in STILL_NEEDED)})
    ORDER BY finished_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), attempts AS (
    DELETE FROM tasks_attempt USING old WHERE task_id = old.id
), moved AS (
    DELETE FROM tasks_task AS task USING old WHERE task.id = old.id RETURNING task.*
), kept AS (
    INSERT INTO {TABLE} ({_COLUMNS})
    SELECT {_COLUMNS.replace("error_message", _KEPT_MESSAGE)}
    FROM moved WHERE finished_at >= %(horizon)s
)
SELECT count(*), max(finished_at) FROM moved
"""  # noqa: S608 - constants


def archive_finished_tasks(now: datetime | None = None) -> int:
    """Move what finished longer ago than the settings say; return how many tasks.

    Those older than the archive itself goes back are only deleted.
    """
    now = now or timezone.now()
    moved = 0
    for state, days in _days_by_state().items():
        for count in _move(state, now - timedelta(days=days), now):
            moved += count
            progress(moved, moved, "finished tasks archived")
    return moved


def drop_old_months(now: datetime | None = None) -> list[str]:
    """Drop the months that are older than TASK_ARCHIVE_MONTHS; return their tables.

    One that somebody reads for long is left for the next run.
    """
    horizon = _horizon(now or timezone.now())
    dropped = []
    for month, table in sorted(_partitions().items()):
        if month >= horizon:
            break
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                # Who waits for this lock lets those behind it wait too.
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
                cursor.execute(f"DROP TABLE {table}")
        except OperationalError:
            break
        dropped.append(table)
    return dropped


def find_archived(task_id: UUID) -> ArchivedTask | None:
    """Return the archived task, if there is one."""
    return ArchivedTask.objects.filter(pk=task_id).first()


def archive_summary(task: ArchivedTask) -> dict[str, Any]:
    """What a person or a program is told of an archived task, as JSON values."""
    return {
        "id": str(task.pk),
        "actor": task.actor,
        "queue": task.queue,
        "status": task.state,
        "attempt": task.attempt,
        "created_at": task.created_at.isoformat(),
        "finished_at": task.finished_at.isoformat(),
        "error": task.error_message or None,
        "is_archived": True,
    }


def _days_by_state() -> dict[State, int]:
    return {
        State.SUCCEEDED: settings.TASK_KEEP_SUCCEEDED_DAYS,
        State.FAILED: settings.TASK_KEEP_FAILED_DAYS,
        State.CANCELLED: settings.TASK_KEEP_CANCELLED_DAYS,
    }


def _move(state: State, before: datetime, now: datetime) -> Iterator[int]:
    """Move what ended as `state` before a time; yield the size of each batch."""
    after = _oldest(state)
    if after is None or after >= before:
        return
    horizon = _horizon(now)
    _make_partitions(max(after, horizon), now)
    parameters: dict[str, Any] = {
        "state": state.value,
        "before": before,
        "batch": BATCH,
        "kept": KEPT_ERROR,
        "horizon": horizon,
    }
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, parameters | {"after": after})
            count, last = cursor.fetchone()
        if not count:
            return
        after = last
        yield count


def _oldest(state: State) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(finished_at) FROM tasks_task WHERE state = %s"
            " AND state IN ('succeeded', 'failed', 'cancelled')",
            [state.value],
        )
        oldest: datetime | None = cursor.fetchone()[0]
        return oldest


# --- months -------------------------------------------------------------------------------


def _month_of(moment: datetime) -> datetime:
    """Return the beginning of the month, in UTC."""
    moment = moment.astimezone(UTC)
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def _month_after(month: datetime, count: int = 1) -> datetime:
    years, index = divmod(month.month - 1 + count, 12)
    return month.replace(year=month.year + years, month=index + 1)


def _horizon(now: datetime) -> datetime:
    """Return the beginning of what is kept; with 0 months that is in the future."""
    kept = settings.TASK_ARCHIVE_MONTHS
    return _month_after(_month_of(now), -kept if kept else 1)


def _make_partitions(first: datetime, now: datetime) -> None:
    """Make the months from `first` to the next one that are missing."""
    last, month = _month_after(_month_of(now)), _month_of(first)
    existing = _partitions()
    while month <= last:
        if month not in existing:
            _make_partition(month)
        month = _month_after(month)


def _make_partition(month: datetime) -> None:
    table = f"{TABLE}_{month:%Y_%m}"
    with transaction.atomic(), connection.cursor() as cursor:
        # Two that make the same month come one after the other.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [TABLE])
        if month in _partitions():
            return
        cursor.execute(f"CREATE TABLE {table} (LIKE {TABLE} INCLUDING ALL)")
        # Attached and not made in place, which would keep readers out meanwhile.
        cursor.execute(
            f"ALTER TABLE {TABLE} ATTACH PARTITION {table} FOR VALUES"
            f" FROM ('{month.isoformat()}') TO ('{_month_after(month).isoformat()}')"
        )


def _partitions() -> dict[datetime, str]:
    """Return the tables of the archive by month."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = %s::regclass",
            [TABLE],
        )
        tables = [row[0] for row in cursor.fetchall()]
    found = {}
    for table in tables:
        if match := re.search(r"_(\d{4})_(\d{2})$", table):
            found[datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC)] = table
    return found
