"""Fill the ledger with a long history at once: finished tasks and their attempts.

What the rows look like follows an installation that has run for a month: five queues of
eight actors, most succeeded, one in twenty tried twice, families of tasks under one
root, keys, results and error texts of the lengths that occur.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection, models

from tasks.models import Attempt, Task
from tasks.models import Worker as WorkerRow

#: The history goes back so far; a month is what is kept by default.
DAYS = 29

#: `n` counts the rows from the newest (1); `born` is when the row was enqueued.
_BORN = (
    "now() - make_interval(secs => n::float8 * {span} / {count} + 60) AS born,"
    " md5(n::text) AS dice"
)
_ID = (
    "(lpad(to_hex((extract(epoch FROM born) * 1000)::bigint), 12, '0') || '7'"
    " || substr(dice, 1, 3) || '8' || substr(dice, 4, 15))::uuid"
)
_QUEUE = "(ARRAY['email','ai','default','scraper','demo'])[1 + n % 5]"
#: 6 % failed, 2 % cancelled, the others succeeded.
_STATE = (
    "CASE WHEN n % 100 < 6 THEN 'failed' WHEN n % 100 < 8 THEN 'cancelled'"
    " ELSE 'succeeded' END"
)
_IS_FAILED = "n % 100 < 6"
_MESSAGE = (
    "(ARRAY['The host answered 503 for /page/', 'No address of lead ',"
    " 'The mailbox is full (552 5.2.2) for ', 'Its mark-up has changed: selector ',"
    " 'The time limit of 600 s has passed in step '])[1 + n / 100 % 5] || n"
)
#: Which columns of a task differ from what every new row has.
_TASK: Mapping[str, str] = {
    "id": "id",
    "actor": f"{_QUEUE} || '_actor_' || n / 5 % 8",
    "queue": _QUEUE,
    "priority": "n % 11",
    "kwargs": "jsonb_build_object('lead_id', n, 'url', 'https://example.com/' || dice)",
    "state": _STATE,
    "attempt": "CASE WHEN n % 20 = 0 THEN 2 ELSE 1 END",
    "failures": f"CASE WHEN {_IS_FAILED} THEN 5 ELSE 0 END",
    "created_at": "born",
    "run_at": "born",
    "published_at": "born + interval '10 ms'",
    "started_at": "born + interval '1 s'",
    "finished_at": "born + interval '3 s'",
    "worker_id": "1 + n % 10",
    "result": f"CASE WHEN {_IS_FAILED} THEN NULL ELSE"
    " jsonb_build_object('outcome', 'ok', 'count', n % 50) END",
    "error_class": f"CASE WHEN {_IS_FAILED} THEN 'PermanentError' ELSE '' END",
    "error_message": f"CASE WHEN {_IS_FAILED} THEN {_MESSAGE} ELSE '' END",
    "unique_key": "CASE WHEN n % 5 = 2 THEN 'key:' || n END",
    # Twenty of a family, their root the oldest.
    "root_id": "CASE WHEN n % 2 = 0 THEN md5((n / 40)::text)::uuid END",
}
_ATTEMPT: Mapping[str, str] = {
    "task_id": "id",
    "number": "number",
    "outcome": "CASE WHEN number < attempt THEN 'retried' ELSE state END",
    "worker_id": "worker_id",
    "due_at": "run_at",
    "started_at": "started_at",
    "finished_at": "finished_at",
    "error_class": "error_class",
    "error_message": "error_message",
    "traceback": "CASE WHEN state = 'failed' THEN repeat('  File \"x.py\", line 1\n', 12)"
    " ELSE '' END",
    "log": "'2026-01-01 INFO the lead was looked at'",
}


def fill_history(count: int) -> None:
    """Add `count` finished tasks with their attempts; the statistics stay as they were."""
    source = (
        f"SELECT n, born, dice, {_ID} AS id FROM (SELECT n, "
        + _BORN.format(span=DAYS * 86_400, count=count)
        + f" FROM generate_series({count}, 1, -1) AS n) AS drawn"
    )
    with connection.cursor() as cursor:
        cursor.execute(*insert_from(Task, _TASK, f"({source}) AS row"))
        cursor.execute(
            *insert_from(
                Attempt,
                _ATTEMPT,
                "tasks_task, generate_series(1, attempt) AS number"
                " WHERE finished_at IS NOT NULL",
            )
        )


def fill_delayed(count: int, queue: str, actor: str) -> None:
    """Add `count` tasks that are due tomorrow."""
    row = {
        "id": _ID,
        # Each at a moment of its own: they came over some time.
        "created_at": "now() - make_interval(secs => n / 1000.0)",
        "actor": f"'{actor}'",
        "queue": f"'{queue}'",
        "state": "'scheduled'",
        "run_at": "now() + interval '1 day' + make_interval(secs => n)",
    }
    source = (
        f"SELECT n, now() AS born, md5('later' || n) AS dice"
        f" FROM generate_series(1, {count}) AS n"
    )
    with connection.cursor() as cursor:
        cursor.execute(*insert_from(Task, row, f"({source}) AS row"))


def insert_from(
    model: type[models.Model], row: Mapping[str, str], source: str
) -> tuple[str, list[Any]]:
    """Return INSERT … SELECT and its parameters; other columns get the model's default.

    Django's defaults are not the database's, and a column that is added to the ledger
    later must not stop this.
    """
    expressions: dict[str, str] = dict(row)
    parameters: list[Any] = []
    for field in model._meta.concrete_fields:
        is_left = field.null or field.primary_key or field.has_db_default()
        column: str = field.db_column or field.attname
        if column not in row and not is_left:
            expressions[column] = "%s"
            parameters.append(field.get_db_prep_save(field.get_default(), connection))
    columns = ", ".join(expressions)
    # Nothing here comes from outside; what has a percent sign is a modulo.
    values = ", ".join(
        text if text == "%s" else text.replace("%", "%%")
        for text in expressions.values()
    )
    statement = f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {values} FROM "
    return statement + source.replace("%", "%%"), parameters


def forget_everything() -> None:
    """Empty the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {Task._meta.db_table} CASCADE")
        cursor.execute(f"TRUNCATE {WorkerRow._meta.db_table}")
