"""The statements that insert tasks: one row, many at once, or in place of their twins.

A row is born `queued` when it is due: one write less than passing `scheduled`. It is
followed where somebody asked for that, or where a webhook wants to hear of its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fliptech_site.binding import fetch_bound
from tasks.unique import HOLDS_SQL

_INSERT = """
INSERT INTO tasks_task (
    id, actor, queue, priority, args, kwargs, options, state, attempt, failures,
    max_attempts, rescues, run_at, progress_note, error_class, error_message, is_sealed,
    unique_key, unique_hold, unique_until, schedule_id, planned_at, parent_id, root_id,
    is_followed
)
SELECT {id}, %(actor)s, %(queue)s, %(priority)s, {args}::jsonb, {kwargs}::jsonb,
    %(options)s::jsonb, %(state)s, 0, 0, %(max_attempts)s, 0,
    coalesce(%(run_at)s::timestamptz, now()), '', '', '', %(is_sealed)s,
    {unique},
    %(schedule_id)s, %(planned_at)s, %(parent_id)s, %(root_id)s,
    %(is_followed)s OR (%(actor)s <> 'deliver_webhook' AND EXISTS (
        SELECT FROM tasks_webhook AS webhook WHERE webhook.is_enabled
            AND (webhook.actors = '[]' OR webhook.actors ? %(actor)s)
            AND (webhook.queues = '[]' OR webhook.queues ? %(queue)s)
    ))
{rows}
ON CONFLICT {conflict}
RETURNING id, unique_key
"""

#: Lists of unique keys may be empty; unnest then fills up with NULLs.
_MANY = _INSERT.format(
    id="id",
    args="args",
    kwargs="kwargs",
    unique="""unique_key, coalesce(unique_hold, 'unfinished'),
    greatest(%(run_at)s::timestamptz, now()) + make_interval(secs => unique_seconds)""",
    rows="""FROM unnest(
    %(ids)s::uuid[], %(args)s::text[], %(kwargs)s::text[],
    %(unique_keys)s::text[], %(unique_holds)s::text[], %(unique_seconds)s::float[]
) AS new(id, args, kwargs, unique_key, unique_hold, unique_seconds)""",
    conflict="{conflict}",
)

#: Any number of rows. Without a target it covers both unique keys and planned runs.
INSERT_NEW = _MANY.format(conflict="DO NOTHING")

#: A retried twin starts afresh, for its failures were those of other arguments.
INSERT_OR_REPLACE = _MANY.format(
    conflict=f"""(unique_key) WHERE {HOLDS_SQL} DO UPDATE SET
    args = excluded.args, kwargs = excluded.kwargs, options = excluded.options,
    priority = excluded.priority, state = excluded.state, run_at = excluded.run_at,
    published_at = NULL, max_attempts = excluded.max_attempts, failures = 0, rescues = 0,
    error_class = '', error_message = '',
    is_followed = tasks_task.is_followed OR excluded.is_followed,
    is_sealed = tasks_task.is_sealed OR excluded.is_sealed,
    unique_hold = excluded.unique_hold, unique_until = excluded.unique_until
WHERE tasks_task.state IN ('scheduled', 'queued') AND tasks_task.actor = excluded.actor"""
)

#: One row without a unique key; `ids`, `args` and `kwargs` are its own. The casts say
#: what PostgreSQL can't tell of parameters that it is sent apart from their statement.
_ONE = _INSERT.format(
    id="%(ids)s::uuid",
    args="%(args)s",
    kwargs="%(kwargs)s",
    unique="NULL, 'unfinished', NULL",
    rows="",
    conflict="DO NOTHING",
)
for _name in ("actor", "queue", "state"):
    _ONE = _ONE.replace(f"%({_name})s", f"%({_name})s::text")


def insert_one(parameters: Mapping[str, Any]) -> list[tuple[UUID, str | None]]:
    """Insert a lone row and return it, or nothing when a planned run refused it.

    Most enqueues are this one, which is why it is prepared.
    """
    return fetch_bound(_ONE, parameters, prepare=True)
