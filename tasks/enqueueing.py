"""Enqueue tasks: a row in the caller's transaction, published after its commit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dramatiq
import uuid_utils.compat
from django.db import connection, transaction

from fliptech_site.errors import InvalidInput
from tasks.current import current_claim
from tasks.declaring import check_arguments, find_actor, policy_of
from tasks.handover import handover
from tasks.publishing import Delivery
from tasks.states import State

DEFAULT_PRIORITY = 5

#: A row is born `queued` when it is due: one write less than passing `scheduled`.
#: ON CONFLICT without a target covers both unique keys and planned runs.
_INSERT = """
INSERT INTO tasks_task (
    id, actor, queue, priority, args, kwargs, options, state, attempt, failures,
    max_attempts, rescues, run_at, progress_note, error_class, error_message,
    unique_key, schedule_id, planned_at, parent_id, root_id
)
SELECT id, %(actor)s, %(queue)s, %(priority)s, args::jsonb, kwargs::jsonb,
    %(options)s::jsonb, %(state)s, 0, 0, %(max_attempts)s, 0,
    coalesce(%(run_at)s::timestamptz, now()), '', '', '',
    %(unique_key)s, %(schedule_id)s, %(planned_at)s, %(parent_id)s, %(root_id)s
FROM unnest(%(ids)s::uuid[], %(args)s::text[], %(kwargs)s::text[]) AS new(id, args, kwargs)
ON CONFLICT DO NOTHING
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Order:
    """Everything about new tasks of one actor except their arguments."""

    actor: dramatiq.Actor[Any, Any]
    priority: int = DEFAULT_PRIORITY
    run_at: datetime | None = None
    unique_key: str | None = None
    schedule_id: int | None = None
    planned_at: datetime | None = None
    options: Mapping[str, Any] | None = None


def enqueue(
    actor_name: str,
    /,
    *,
    priority: int = DEFAULT_PRIORITY,
    run_at: datetime | None = None,
    unique_key: str | None = None,
    **kwargs: Any,
) -> UUID:
    """Enqueue one task and return its id.

    The row belongs to the caller's transaction. `priority` is 0 to 10, 10 first;
    `run_at` (aware) delays it. While a task with `unique_key` is unfinished, its id
    is returned and nothing is enqueued. Raises InvalidInput for an unknown actor or
    arguments that it does not take.
    """
    declared = find_actor(actor_name)
    check_arguments(declared, (), kwargs)
    order = Order(
        declared, _checked_priority(priority), _checked_time(run_at), unique_key
    )
    task_id = uuid_utils.compat.uuid7()
    # A finished twin may vanish between the refused insert and the look: try again.
    for _ in range(5):
        if insert(order, [(task_id, (), kwargs)]):
            return task_id
        twin = _unfinished_twin(unique_key)
        if twin is not None:
            return twin
    raise InvalidInput(
        f"The unique key {unique_key!r} is taken and free by turns; try again."
    )


def enqueue_many(
    actor_name: str,
    all_kwargs: Iterable[Mapping[str, Any]],
    /,
    *,
    priority: int = DEFAULT_PRIORITY,
    run_at: datetime | None = None,
) -> list[UUID]:
    """Enqueue a task for each set of arguments, in one statement per 5,000."""
    declared = find_actor(actor_name)
    order = Order(declared, _checked_priority(priority), _checked_time(run_at))
    rows = []
    for kwargs in all_kwargs:
        check_arguments(declared, (), dict(kwargs))
        rows.append((uuid_utils.compat.uuid7(), (), kwargs))
    with transaction.atomic():
        for start in range(0, len(rows), 5000):
            insert(order, rows[start : start + 5000])
    return [row[0] for row in rows]


def store_message(message: dramatiq.Message[Any], delay: int | None) -> None:
    """Store a message of Dramatiq's own API; `delay` is in milliseconds."""
    declared = find_actor(message.actor_name)
    check_arguments(declared, message.args, message.kwargs)
    options = dict(message.options)
    priority = options.pop("broker_priority", DEFAULT_PRIORITY)
    run_at = datetime.now(UTC) + timedelta(milliseconds=delay) if delay else None
    order = Order(declared, _checked_priority(priority), run_at, options=options)
    insert(order, [(UUID(message.message_id), message.args, message.kwargs)])


def insert(
    order: Order, rows: Sequence[tuple[UUID, Sequence[Any], Mapping[str, Any]]]
) -> list[UUID]:
    """Insert rows of (id, args, kwargs) and hand them over after commit.

    Returns the ids that were new; those that a unique key or a planned run refused
    are missing. `run_at` in the past counts as now.
    """
    declared = order.actor
    is_due = order.run_at is None or order.run_at <= datetime.now(UTC)
    parent = current_claim()
    parameters: dict[str, Any] = {
        "actor": declared.actor_name,
        "queue": declared.queue_name,
        "priority": order.priority,
        "options": _as_json(declared, dict(order.options or {})),
        "state": State.QUEUED if is_due else State.SCHEDULED,
        "max_attempts": policy_of(declared).max_attempts,
        "run_at": order.run_at,
        "unique_key": order.unique_key,
        "schedule_id": order.schedule_id,
        "planned_at": order.planned_at,
        "parent_id": parent.task_id if parent else None,
        "root_id": (parent.root_id or parent.task_id) if parent else None,
        "ids": [row[0] for row in rows],
        "args": [_as_json(declared, list(row[1])) for row in rows],
        "kwargs": [_as_json(declared, dict(row[2])) for row in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, parameters)
        new = [row[0] for row in cursor.fetchall()]
    if new and is_due:
        deliveries = [
            Delivery(task_id, declared.actor_name, declared.queue_name, order.priority)
            for task_id in new
        ]
        transaction.on_commit(lambda: handover.offer(deliveries))
    return new


def _unfinished_twin(unique_key: str | None) -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM tasks_task WHERE unique_key = %s"
            " AND state IN ('scheduled', 'queued', 'running')",
            [unique_key],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _checked_priority(priority: int) -> int:
    if not 0 <= priority <= 10:
        raise InvalidInput(f"The priority is {priority}: use 0 (last) to 10 (first).")
    return priority


def _checked_time(run_at: datetime | None) -> datetime | None:
    if run_at is not None and run_at.tzinfo is None:
        raise InvalidInput("run_at has no time zone: give an aware datetime.")
    return run_at


def _as_json(declared: dramatiq.Actor[Any, Any], value: object) -> str:
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"The arguments of {declared.actor_name} have to be plain JSON values: {error}."
        ) from None
    if "\\u0000" in text:
        raise InvalidInput(
            f"The arguments of {declared.actor_name} hold a NUL character,"
            " which PostgreSQL can't store: remove it."
        )
    return text
