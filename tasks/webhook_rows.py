"""The rows of webhooks: standing addresses that are told, and what each is told.

Import them from `tasks.models`, where Django looks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import uuid_utils.compat
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from fliptech_site.errors import InvalidInput

if TYPE_CHECKING:
    from tasks.models import Task

#: Delivers webhooks; its own ends are told to nobody, or one would make the next.
DELIVERING_ACTOR = "deliver_webhook"


class Webhook(models.Model):
    """An address that is told when tasks end."""

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(
        "address",
        max_length=2000,
        help_text="https://…; plain http:// only to hosts in FETCH_ALLOWED_PRIVATE.",
    )
    #: Which ends it is told of; an empty list means all.
    actors = models.JSONField(default=list, blank=True)
    queues = models.JSONField(default=list, blank=True)
    states = models.JSONField(default=list, blank=True)
    is_enabled = models.BooleanField("enabled", default=True)
    #: Why it was switched off by itself.
    problem = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    #: Encrypted (see `tasks.webhooks.keeping`).
    secret = models.TextField(editable=False)
    #: Signs beside the new one until then, so that receivers can change over.
    previous_secret = models.TextField(blank=True, default="", editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse an address that could not be told anything."""
        # Above this module in the room: imported when a form asks.
        from tasks.webhooks.addresses import check_url

        try:
            check_url(self.url)
        except InvalidInput as error:
            raise ValidationError({"url": str(error)}) from None

    def wants(self, task: Task, state: str) -> bool:
        """Say whether it is told that `task` has arrived in `state`."""
        return (
            self.is_enabled
            and task.actor != DELIVERING_ACTOR
            and (not self.actors or task.actor in self.actors)
            and (not self.queues or task.queue in self.queues)
            and (not self.states or state in self.states)
        )


class WebhookDelivery(models.Model):
    """One event for one address: written before the first try, the same for each."""

    class State(models.TextChoices):
        """How far it has come."""

        #: Not yet tried, or tried again later.
        WAITING = "waiting"
        #: The receiver answered 2xx.
        DELIVERED = "delivered"
        #: The receiver refused it, or could not be reached for a day.
        FAILED = "failed"
        #: Its webhook was switched off before.
        DROPPED = "dropped"

    #: Also the event's id for the receiver, which stays the same over all tries.
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7)
    #: None: the task itself named the address.
    webhook = models.ForeignKey(
        Webhook,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
    )
    #: None: a test.
    task_id = models.UUIDField(null=True, blank=True)
    event = models.CharField(max_length=50)
    #: When the task ended: which of its ends this tells of.
    ended_at = models.DateTimeField()
    url = models.CharField("address", max_length=2000)
    #: The very bytes that are signed and sent.
    body = models.TextField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    tries = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    #: No try begins later.
    give_up_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    #: HTTP status of the last answer; None when there was none.
    status = models.SmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    #: The beginning of the last answer.
    answer = models.TextField(blank=True, default="")
    #: Each try that ended, oldest first: at, status, error, milliseconds.
    history = models.JSONField(default=list)

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "webhook deliveries"
        constraints = [
            # Each end is told to each address at most once.
            models.UniqueConstraint(
                fields=["task_id", "ended_at", "webhook"],
                name="tasks_webhookdelivery_end_uniq",
            ),
            models.UniqueConstraint(
                fields=["task_id", "ended_at"],
                condition=Q(webhook__isnull=True),
                name="tasks_webhookdelivery_own_end_uniq",
            ),
        ]
        indexes = [
            # The newest first, in admin; pruning from the other end.
            models.Index(F("created_at").desc(), name="tasks_webhookdelivery_new_idx"),
            # The newest of one webhook.
            models.Index(
                "webhook",
                F("created_at").desc(),
                name="tasks_webhookdelivery_of_idx",
            ),
            # Those whose task has got lost.
            models.Index(
                fields=["created_at"],
                condition=Q(state="waiting"),
                name="tasks_webhookdelivery_open_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"

    @property
    def event_id(self) -> str:
        """The `webhook-id` that the receiver sees."""
        return f"evt_{self.id.hex}"
