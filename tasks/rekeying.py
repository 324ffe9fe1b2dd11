"""Encrypt again, with the newest key, what earlier keys encrypted; workers may run on.

Each row is read, encrypted anew and written only if it still holds what was read, so a
run that ends meanwhile wins and its row is looked at again. Nothing is remembered beside
the rows: killed at any point, the next rotation goes on with what is left.

Rows in the clear of an actor that was declared encrypted later are encrypted too, except
while they run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from fliptech_site.errors import InvalidInput
from tasks import sealing
from tasks.declaring import load_actors
from tasks.models import Schedule
from tasks.sealing import KeyMissing, is_sealed, is_sealed_text, key_number

#: Rows that are read and written together.
BATCH = 200
#: Looks at rows that somebody else was just writing.
PASSES = 5


def _key_of_text(column: str) -> str:
    return f'CASE WHEN {column} LIKE \'{{"sealed": "gAAAA%%\' THEN left(right({column}, 10), 8) END'


#: The number of the key of every sealed value, and whose it is.
_VALUES = f"""
SELECT id::text AS owner, unnest(ARRAY[
    args ->> 'key', result ->> 'key', {_key_of_text("error_message")},
    options #>> '{{pipe_target,key}}', options #>> '{{group_completion_callbacks,key}}'
]) AS key FROM tasks_task WHERE is_sealed
UNION ALL
SELECT task_id::text, unnest(ARRAY[
    {_key_of_text("attempt.error_message")}, {_key_of_text("attempt.traceback")},
    {_key_of_text("attempt.log")}
]) FROM tasks_attempt AS attempt JOIN tasks_task ON tasks_task.id = task_id
WHERE is_sealed
UNION ALL
SELECT 'schedule ' || id, kwargs ->> 'key' FROM tasks_schedule
WHERE kwargs ? 'sealed' AND kwargs ? 'key'
"""  # noqa: S608 - names of columns above
_COUNT = f"""
SELECT key, count(DISTINCT owner) FROM ({_VALUES}) AS sealed
WHERE key IS NOT NULL GROUP BY key ORDER BY key
"""  # noqa: S608
_OLD_TASKS = f"""
SELECT DISTINCT owner::uuid FROM ({_VALUES}) AS sealed
WHERE key <> %s AND owner NOT LIKE 'schedule%%' ORDER BY 1
"""  # noqa: S608
_CLEAR_TASKS = """
SELECT id FROM tasks_task
WHERE actor = ANY(%s) AND NOT is_sealed AND state || '' <> 'running' ORDER BY id
"""
_READ = """
SELECT id, args::text, kwargs::text, options::text, result::text, error_message
FROM tasks_task WHERE id = ANY(%s)
"""
#: Locked in the order in which claims lock, and never waited for.
_WRITE = """
WITH free AS MATERIALIZED (
    SELECT id, args, kwargs, options, result, error_message, is_sealed, state
    FROM tasks_task WHERE id = ANY(%(id)s) ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE tasks_task AS task SET
    args = new.args::jsonb, kwargs = '{}', options = new.options::jsonb,
    result = new.result::jsonb, error_message = new.error_message, is_sealed = true
FROM free JOIN unnest(
    %(id)s::uuid[], %(old_args)s::text[], %(old_kwargs)s::text[], %(old_options)s::text[],
    %(old_result)s::text[], %(old_error_message)s::text[],
    %(args)s::text[], %(options)s::text[], %(result)s::text[], %(error_message)s::text[]
) AS new(id, old_args, old_kwargs, old_options, old_result, old_error_message,
    args, options, result, error_message) ON free.id = new.id
WHERE task.id = free.id
    AND free.args = new.old_args::jsonb AND free.kwargs = new.old_kwargs::jsonb
    AND free.options = new.old_options::jsonb
    AND free.result IS NOT DISTINCT FROM new.old_result::jsonb
    AND free.error_message = new.old_error_message
    AND (free.is_sealed OR free.state <> 'running')
RETURNING task.id
"""
_READ_ATTEMPTS = """
SELECT id, task_id, error_message, traceback, log FROM tasks_attempt
WHERE task_id = ANY(%s) AND (error_message <> '' OR traceback <> '' OR log <> '')
"""
#: What has ended is never written again, so there is nothing to compare.
_WRITE_ATTEMPTS = """
UPDATE tasks_attempt AS attempt SET
    error_message = new.error_message, traceback = new.traceback, log = new.log
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
    AS new(id, error_message, traceback, log)
WHERE attempt.id = new.id
"""


@dataclass
class Rotation:
    """What a rotation has done; rows are tasks with their attempts, and schedules."""

    #: Encrypted with the newest key.
    rewritten: int = 0
    #: Encrypted with a key that is not there.
    unreadable: int = 0


def rows_by_key() -> dict[str, int]:
    """Return how many rows hold something encrypted with each key, by its number."""
    with connection.cursor() as cursor:
        # The doubled per cent signs are for the statements with parameters.
        cursor.execute(_COUNT, [])
        return dict(cursor.fetchall())


def rekey(tell: Callable[[int, int], None] = lambda done, total: None) -> Rotation:
    """Encrypt everything with the newest key; `tell` hears of done and total rows.

    Raises InvalidInput when there is no key at all.
    """
    if not settings.TASK_KEYS:
        raise InvalidInput("TASK_KEYS is empty: there is no key to encrypt with.")
    newest = key_number(settings.TASK_KEYS[0])
    rotation = Rotation(rewritten=_rekey_schedules(newest))
    for _ in range(PASSES):
        task_ids = _left(newest)
        before, rotation.unreadable = rotation.rewritten, 0
        for start in range(0, len(task_ids), BATCH):
            _rekey_tasks(task_ids[start : start + BATCH], newest, rotation)
            tell(min(start + BATCH, len(task_ids)), len(task_ids))
        if rotation.rewritten - before + rotation.unreadable == len(task_ids):
            break
    return rotation


def _left(newest: str) -> list[UUID]:
    """Return the tasks that are not wholly under the newest key."""
    encrypted = [
        name
        for name, declared in load_actors().items()
        if declared.options.get("encrypted")
    ]
    with connection.cursor() as cursor:
        cursor.execute(_OLD_TASKS, [newest])
        found = [row[0] for row in cursor.fetchall()]
        if encrypted:
            cursor.execute(_CLEAR_TASKS, [encrypted])
            found += [row[0] for row in cursor.fetchall()]
    return found


def _rekey_tasks(task_ids: Sequence[UUID], newest: str, rotation: Rotation) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_READ, [list(task_ids)])
        rows = cursor.fetchall()
    changed = [new for row in rows if (new := _renewed(row, newest)) is not None]
    rotation.unreadable += len(rows) - len(changed)
    if not changed:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _WRITE, {name: [row[name] for row in changed] for name in changed[0]}
        )
        written = [row[0] for row in cursor.fetchall()]
        were_clear = {row["id"] for row in changed if row["old_args"].startswith("[")}
        _rekey_attempts(written, newest, were_clear)
    rotation.rewritten += len(written)


def _renewed(row: Sequence[Any], newest: str) -> dict[str, Any] | None:
    """Return a task's old and new columns; None when its key is not there."""
    task_id, args, kwargs, options, result, error = row
    try:
        new = {
            "args": _new_arguments(args, kwargs, newest),
            "options": json.dumps(
                {
                    name: _new_value(value, newest)
                    if name in sealing.CARRYING_OPTIONS
                    else value
                    for name, value in json.loads(options).items()
                }
            ),
            "result": None
            if result is None
            else json.dumps(_new_value(json.loads(result), newest)),
            "error_message": _new_text(error, newest, args.startswith("[")),
        }
    except KeyMissing:
        return None
    old = {
        "id": task_id,
        "old_args": args,
        "old_kwargs": kwargs,
        "old_options": options,
        "old_result": result,
        "old_error_message": error,
    }
    return old | new


def _new_arguments(args: str, kwargs: str, newest: str) -> str:
    loaded = json.loads(args)
    if is_sealed(loaded):
        return json.dumps(_new_value(loaded, newest))
    return sealing.seal_arguments(args, kwargs)


def _new_value(value: Any, newest: str) -> dict[str, str]:
    if not is_sealed(value):
        return sealing.seal(value)
    return value if value["key"] == newest else sealing.seal(sealing.unseal(value))


def _new_text(text: str, newest: str, was_clear: bool) -> str:
    if is_sealed_text(text):
        return json.dumps(_new_value(json.loads(text), newest))
    # In a sealed row it is the machinery's, such as "Its worker died", for people to read.
    return sealing.seal_text(text) if was_clear else text


def _rekey_attempts(
    task_ids: Sequence[UUID], newest: str, were_clear: Collection[UUID]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_READ_ATTEMPTS, [list(task_ids)])
        new = list(_new_attempts(cursor.fetchall(), newest, were_clear))
        if new:
            cursor.execute(
                _WRITE_ATTEMPTS, [list(column) for column in zip(*new, strict=True)]
            )


def _new_attempts(
    rows: Sequence[Sequence[Any]], newest: str, were_clear: Collection[UUID]
) -> Iterator[tuple[Any, ...]]:
    for attempt_id, task_id, *texts in rows:
        was_clear = task_id in were_clear
        try:
            new = [_new_text(text, newest, was_clear) for text in texts]
            yield (attempt_id, *new)
        except KeyMissing:
            continue  # The count by key tells of it.


def _rekey_schedules(newest: str) -> int:
    actors = load_actors()
    rewritten = 0
    for schedule in Schedule.objects.exclude(kwargs={}):
        declared = actors.get(schedule.actor)
        old = schedule.kwargs
        if not is_sealed(old) and not (declared and declared.options.get("encrypted")):
            continue
        try:
            new = _new_value(old, newest)
        except KeyMissing:
            continue  # The count by key tells of it.
        if new is not old:
            # At most a handful; one that a person has just changed is left to the next time.
            rows = Schedule.objects.filter(pk=schedule.pk, kwargs=old)
            rewritten += rows.update(kwargs=new)
    return rewritten
