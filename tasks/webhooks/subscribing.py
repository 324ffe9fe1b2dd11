"""What a person does with webhooks: add, renew the secret, test, send again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from tasks.enqueueing import enqueue
from tasks.models import Task, Webhook, WebhookDelivery
from tasks.states import State
from tasks.webhook_rows import DELIVERING_ACTOR
from tasks.webhooks.announcing import enqueue_deliveries, send, task_key, write_body
from tasks.webhooks.judging import PATIENCE
from tasks.webhooks.keeping import seal_secret
from tasks.webhooks.signing import new_secret

#: How long the earlier secret signs beside the new one.
CHANGE_OVER = timedelta(days=1)
#: Rows marked in one transaction.
BATCH = 1000

_FOLLOW = """
UPDATE tasks_task SET is_followed = true WHERE id = ANY(ARRAY(
    SELECT id FROM tasks_task
    WHERE state IN ('scheduled', 'queued', 'running') AND NOT is_followed
        AND actor <> %(delivering)s
        AND (%(actors)s::text[] = '{}' OR actor = ANY(%(actors)s))
        AND (%(queues)s::text[] = '{}' OR queue = ANY(%(queues)s))
    ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
))
"""


def add(webhook: Webhook) -> str:
    """Store a new webhook; return its secret, which nobody can look up later.

    Raises InvalidInput when it can't be as it is.
    """
    secret = new_secret()
    webhook.secret = seal_secret(secret)
    try:
        webhook.full_clean()
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages)) from None
    with transaction.atomic():
        webhook.save()
        enqueue("follow_unfinished_tasks", webhook_id=webhook.pk)
    return secret


def renew_secret(webhook: Webhook) -> str:
    """Give a webhook a new secret and return it; the earlier one signs for a day more."""
    secret = new_secret()
    Webhook.objects.filter(pk=webhook.pk).update(
        previous_secret=webhook.secret,
        previous_until=timezone.now() + CHANGE_OVER,
        secret=seal_secret(secret),
    )
    return secret


def send_test(webhook: Webhook) -> UUID:
    """Tell a webhook of an event that is none; return the delivery's id.

    Raises InvalidInput while it is switched off.
    """
    _check_enabled(webhook)
    now = timezone.now()
    delivery = WebhookDelivery(
        webhook=webhook,
        event="webhook.test",
        ended_at=now,
        url=webhook.url,
        body=write_body("webhook.test", now, {"webhook": webhook.name}),
        give_up_at=now + PATIENCE,
    )
    with transaction.atomic():
        send(iter([delivery]))
    return delivery.pk


def send_again(delivery_id: UUID) -> None:
    """Try a delivery now, for another day, whatever became of it; under the same id.

    Raises InvalidInput for an unknown one, or one whose webhook is switched off.
    """
    with transaction.atomic():
        delivery = (
            WebhookDelivery.objects.select_for_update(of=("self",))
            .select_related("webhook")
            .filter(pk=delivery_id)
            .first()
        )
        if delivery is None:
            raise InvalidInput(
                f"There is no delivery {delivery_id}; it may have been pruned."
            )
        if delivery.webhook is not None:
            _check_enabled(delivery.webhook)
            delivery.url = delivery.webhook.url
        delivery.state = WebhookDelivery.State.WAITING
        delivery.give_up_at = timezone.now() + PATIENCE
        delivery.save(update_fields=["state", "give_up_at", "url"])
        enqueue_deliveries([delivery.pk])
        # One that waits for its next try need not wait any longer.
        Task.objects.filter(
            unique_key=task_key(delivery.pk), state=State.SCHEDULED
        ).update(run_at=timezone.now())


def follow_unfinished(webhook_id: int) -> int:
    """Let the ends of tasks be told that were enqueued before the webhook was added."""
    webhook = Webhook.objects.get(pk=webhook_id)
    parameters = {
        "delivering": DELIVERING_ACTOR,
        "actors": webhook.actors,
        "queues": webhook.queues,
        "batch": BATCH,
    }
    marked = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_FOLLOW, parameters)
            count: int = cursor.rowcount
        marked += count
        if count < BATCH:
            return marked


def switch(webhook: Webhook, is_enabled: bool) -> None:
    """Switch a webhook on or off; what it missed in between is not made up."""
    with transaction.atomic():
        Webhook.objects.filter(pk=webhook.pk).update(is_enabled=is_enabled, problem="")
        if is_enabled:
            enqueue("follow_unfinished_tasks", webhook_id=webhook.pk)


def with_news(webhooks: QuerySet[Webhook]) -> QuerySet[Webhook]:
    """Add what came of the newest delivery of each, and how many wait.

    By index: a count of all deliveries would read a month of them.
    """
    newest = WebhookDelivery.objects.filter(webhook=OuterRef("pk")).order_by(
        "-created_at"
    )
    waiting = (
        WebhookDelivery.objects.filter(
            webhook=OuterRef("pk"), state=WebhookDelivery.State.WAITING
        )
        .order_by()
        .values("webhook")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return webhooks.annotate(
        newest_state=Subquery(newest.values("state")[:1]),
        newest_at=Subquery(newest.values("created_at")[:1]),
        waiting_count=Coalesce(Subquery(waiting), 0),
    )


def _check_enabled(webhook: Webhook) -> None:
    if not webhook.is_enabled:
        raise InvalidInput(
            f"The webhook {webhook.name!r} is switched off. {webhook.problem}".strip()
            + " Switch it on first."
        )
