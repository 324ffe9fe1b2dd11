"""Enqueue tasks: a row in the caller's transaction, published after its commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dramatiq
import uuid_utils.compat
from django.db import connection, transaction

from fliptech_site.errors import InvalidInput
from tasks import tracing
from tasks.current import current_claim
from tasks.declaring import check_arguments, find_actor, policy_of
from tasks.handover import handover
from tasks.inserting import INSERT_NEW, INSERT_OR_REPLACE, insert_one
from tasks.publishing import Delivery
from tasks.sealing import (
    actors_to_come,
    continues_sealed,
    seal_arguments,
    seal_options,
)
from tasks.states import State
from tasks.unique import OnConflict, Unique, columns, settle
from tasks.webhooks.addresses import check_url

DEFAULT_PRIORITY = 5
#: Rows in one statement.
BATCH = 5000

#: A task to be: id, positional arguments, keyword arguments.
Row = tuple[UUID, Sequence[Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Order:
    """Everything about new tasks of one actor except their arguments and keys."""

    actor: dramatiq.Actor[Any, Any]
    priority: int = DEFAULT_PRIORITY
    run_at: datetime | None = None
    schedule_id: int | None = None
    planned_at: datetime | None = None
    options: Mapping[str, Any] | None = None
    #: Whether something follows its end; see `tasks.following`.
    is_followed: bool = False
    #: (parent_id, root_id) of the new tasks; None: as the calling task has it.
    origin: tuple[UUID | None, UUID | None] | None = None


def enqueue(
    actor_name: str,
    /,
    *,
    priority: int = DEFAULT_PRIORITY,
    run_at: datetime | None = None,
    unique_key: str | None = None,
    unique: Unique | None = None,
    webhook: str | None = None,
    **kwargs: Any,
) -> UUID:
    """Enqueue one task and return its id, or the id of its twin.

    The row belongs to the caller's transaction. `priority` is 0 to 10, 10 first;
    `run_at` (aware) delays it. `unique_key` is short for `unique=Unique(unique_key)`:
    while a task with that key is unfinished, its id is returned and nothing is enqueued.
    `webhook` is an address that is told when the task ends (docs/webhooks.md).
    Raises InvalidInput for an unknown actor or arguments that it does not take, and
    KeyTaken where `unique` says so.
    """
    declared = find_actor(actor_name)
    check_arguments(declared, (), kwargs)
    order = Order(
        declared,
        _checked_priority(priority),
        _checked_time(run_at),
        options={} if webhook is None else {"webhook": webhook},
    )
    row: Row = (uuid_utils.compat.uuid7(), (), kwargs)
    if unique_key is not None:
        if unique is not None:
            raise InvalidInput("Give either unique_key or unique, not both.")
        unique = Unique(unique_key)
    if unique is not None:
        return _insert_unique(order, [(unique, row)])[unique.key]
    insert(order, [row])
    return row[0]


def enqueue_many(
    actor_name: str,
    all_kwargs: Iterable[Mapping[str, Any]],
    /,
    *,
    priority: int = DEFAULT_PRIORITY,
    run_at: datetime | None = None,
    unique: Callable[[Mapping[str, Any]], Unique] | None = None,
    webhook: str | None = None,
) -> list[UUID]:
    """Enqueue a task for each set of arguments, in one statement per 5,000.

    `unique` makes each task's `Unique` of its arguments; the id of a twin then stands
    in the place of the task that was not enqueued. Rows with the same key are one task:
    the first, or the last where they replace. All are enqueued or, when any is refused,
    none. Raises as `enqueue` does.
    """
    declared = find_actor(actor_name)
    order = Order(
        declared,
        _checked_priority(priority),
        _checked_time(run_at),
        options={} if webhook is None else {"webhook": webhook},
    )
    rows: list[Row] = []
    for kwargs in all_kwargs:
        check_arguments(declared, (), dict(kwargs))
        rows.append((uuid_utils.compat.uuid7(), (), kwargs))
    with transaction.atomic():
        if unique is not None:
            uniques = [unique(row[2]) for row in rows]
            ids = _insert_unique(order, list(zip(uniques, rows, strict=True)))
            return [ids[one.key] for one in uniques]
        for start in range(0, len(rows), BATCH):
            insert(order, rows[start : start + BATCH])
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


def insert(order: Order, rows: Sequence[Row]) -> list[UUID]:
    """Insert rows and hand them over after commit.

    Returns the ids that were new; those that a planned run refused are missing. `run_at`
    in the past counts as now.
    """
    return [task_id for task_id, _ in _insert(order, rows, (), INSERT_NEW)]


def _insert_unique(
    order: Order, wanted: Sequence[tuple[Unique, Row]]
) -> dict[str, UUID]:
    """Insert rows that are to be the only ones; return who holds each key then."""

    def insert_some(uniques: Sequence[Unique], rows: Sequence[Row]) -> dict[str, UUID]:
        is_replacing = uniques[0].on_conflict == OnConflict.REPLACE
        statement = INSERT_OR_REPLACE if is_replacing else INSERT_NEW
        holders: dict[str, UUID] = {}
        for start in range(0, len(rows), BATCH):
            part = slice(start, start + BATCH)
            for task_id, key in _insert(order, rows[part], uniques[part], statement):
                assert key is not None
                holders[key] = task_id
        return holders

    return settle(wanted, order.actor.actor_name, insert_some)


def _insert(
    order: Order,
    rows: Sequence[Row],
    uniques: Sequence[Unique],
    statement: str,
) -> list[tuple[UUID, str | None]]:
    """Insert rows, or replace; return id and unique key of those that came of it."""
    declared = order.actor
    is_due = order.run_at is None or order.run_at <= datetime.now(UTC)
    parent_id, root_id = order.origin or origin()
    parameters: dict[str, Any] = {
        "actor": declared.actor_name,
        "queue": declared.queue_name,
        "priority": order.priority,
        "state": State.QUEUED if is_due else State.SCHEDULED,
        "max_attempts": policy_of(declared).max_attempts,
        "run_at": order.run_at,
        "schedule_id": order.schedule_id,
        "planned_at": order.planned_at,
        "parent_id": parent_id,
        "root_id": root_id,
        "is_followed": order.is_followed or _has_webhook(order),
        "ids": [row[0] for row in rows],
        **_contents(order, rows),
        **columns(uniques),
    }
    with tracing.enqueueing(
        declared.actor_name,
        declared.queue_name,
        order.options or {},
        [row[0] for row in rows],
    ) as options:
        if parameters["is_sealed"]:
            options = seal_options(options)
        parameters["options"] = _as_json(declared, options)
        stored = _store(statement, parameters, is_alone=len(rows) == 1 and not uniques)
    if stored and is_due:
        deliveries = [
            Delivery(task_id, declared.actor_name, declared.queue_name, order.priority)
            for task_id, _ in stored
        ]
        transaction.on_commit(lambda: handover.offer(deliveries))
    return stored


def _store(
    statement: str, parameters: dict[str, Any], *, is_alone: bool
) -> list[tuple[UUID, str | None]]:
    if is_alone:
        own = {name: parameters[name][0] for name in ("ids", "args", "kwargs")}
        return insert_one(parameters | own)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        stored: list[tuple[UUID, str | None]] = cursor.fetchall()
    return stored


def _has_webhook(order: Order) -> bool:
    """Say whether the tasks name an address to be told; raises InvalidInput for a bad one."""
    if not order.options or "webhook" not in order.options:
        return False
    check_url(order.options["webhook"])
    return True


def origin() -> tuple[UUID | None, UUID | None]:
    """Return the parent's and the root's id of what the calling task enqueues."""
    parent = current_claim()
    if parent is None:
        return None, None
    return parent.task_id, parent.root_id or parent.task_id


def check_json(declared: dramatiq.Actor[Any, Any], kwargs: dict[str, Any]) -> None:
    """Raise InvalidInput when arguments can't be stored."""
    _as_json(declared, kwargs)


def check_priority(priority: int) -> None:
    """Raise InvalidInput when a priority is out of range."""
    _checked_priority(priority)


def _contents(order: Order, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what the tasks are called with; of sealed rows as ciphertext."""
    declared = order.actor
    args = [_as_json(declared, list(row[1])) for row in rows]
    kwargs = [_as_json(declared, dict(row[2])) for row in rows]
    is_sealed = continues_sealed() or any(
        find_actor(name).options.get("encrypted")
        for name in (declared.actor_name, *actors_to_come(order.options or {}))
    )
    if is_sealed:
        args = [seal_arguments(*pair) for pair in zip(args, kwargs, strict=True)]
        kwargs = ["{}"] * len(args)
    return {"args": args, "kwargs": kwargs, "is_sealed": is_sealed}


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
