"""Write what is to be told of ended tasks, in the transaction that follows their ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, Q
from django.utils import timezone

from tasks.enqueueing import enqueue_many
from tasks.following import together
from tasks.models import Task, Webhook, WebhookDelivery, summary
from tasks.states import State
from tasks.unique import Unique
from tasks.webhook_rows import DELIVERING_ACTOR
from tasks.webhooks.judging import PATIENCE

#: Bytes of a body above which the result is left out, as receivers expect small bodies.
MAX_BODY_BYTES = 64 * 1024
#: Characters of an error that are told.
MAX_ERROR = 2000


@together
def follow(ends: Sequence[tuple[UUID, State]]) -> None:
    """Write a delivery for each end and each address that is told of it."""
    enabled = Webhook.objects.filter(is_enabled=True)
    # Most ends are followed by others: one look then finds nothing.
    tasks = Task.objects.filter(
        Exists(enabled) | Q(options__has_key="webhook")
    ).in_bulk([task_id for task_id, _ in ends])
    if not tasks:
        return
    webhooks = list(enabled)
    send(
        delivery
        for task_id, state in ends
        if task_id in tasks
        for delivery in _deliveries(tasks[task_id], state, webhooks)
    )


def send(deliveries: Iterator[WebhookDelivery]) -> None:
    """Store those deliveries that are new, and enqueue the task of each."""
    wanted = list(deliveries)
    if not wanted:
        return
    WebhookDelivery.objects.bulk_create(wanted, ignore_conflicts=True)
    stored = WebhookDelivery.objects.filter(pk__in=[one.pk for one in wanted])
    enqueue_deliveries(list(stored.values_list("pk", flat=True)))


def enqueue_deliveries(delivery_ids: Sequence[UUID]) -> None:
    """Enqueue the task that delivers, one at a time for each delivery."""
    enqueue_many(
        DELIVERING_ACTOR,
        [{"delivery_id": str(delivery_id)} for delivery_id in delivery_ids],
        unique=lambda kwargs: Unique(task_key(kwargs["delivery_id"])),
    )


def task_key(delivery_id: object) -> str:
    """Return the unique key of the task that makes a delivery."""
    return f"webhook:{delivery_id}"


def _deliveries(
    task: Task, state: State, webhooks: Sequence[Webhook]
) -> Iterator[WebhookDelivery]:
    # A task that a person has set going again meanwhile has no such time any more.
    ended_at = task.finished_at or timezone.now()
    event, body = f"task.{state.value}", None
    addresses: list[tuple[Webhook | None, str]] = [
        (webhook, webhook.url) for webhook in webhooks if webhook.wants(task, state)
    ]
    if url := task.options.get("webhook"):
        addresses.append((None, url))
    for webhook, url in addresses:
        body = body or write_body(event, ended_at, _data(task, state))
        yield WebhookDelivery(
            webhook=webhook,
            task_id=task.pk,
            event=event,
            ended_at=ended_at,
            url=url,
            body=body,
            give_up_at=timezone.now() + PATIENCE,
        )


def _data(task: Task, state: State) -> dict[str, Any]:
    told = summary(task) | {"status": state.value, "is_result_omitted": False}
    if told["error"]:
        told["error"] = told["error"][:MAX_ERROR]
    if len(json.dumps(told["result"])) > MAX_BODY_BYTES:
        told |= {"result": None, "is_result_omitted": True}
    return told


def write_body(event: str, at: datetime, data: dict[str, Any]) -> str:
    """Return the JSON text that is signed and sent."""
    told = {"type": event, "timestamp": at.isoformat(), "data": data}
    return json.dumps(told, separators=(",", ":"))
