"""The ledger's rows: tasks, attempts, workers and schedules; limits' beside them."""

from __future__ import annotations

from typing import Any

import uuid_utils.compat
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tasks.archive_rows import ArchivedTask
from tasks.following import End
from tasks.limit_rows import Counter, Lease, Pace, Signal, StoredResult
from tasks.sealing import SEALED, is_sealed_text
from tasks.states import FINISHED, UNFINISHED, State, status_for_people
from tasks.steering import Actor, Queue, Schedule
from tasks.tallies import Tally, TallyMark, Total
from tasks.unique import HOLDS, MAX_KEY_LENGTH, Hold
from tasks.webhook_rows import Webhook, WebhookDelivery
from tasks.worker_rows import Worker
from tasks.workflow_rows import Node, Workflow

__all__ = [
    "Actor",
    "ArchivedTask",
    "Attempt",
    "Counter",
    "End",
    "Lease",
    "Node",
    "Pace",
    "Queue",
    "Schedule",
    "Signal",
    "StoredResult",
    "Tally",
    "TallyMark",
    "Task",
    "Total",
    "Webhook",
    "WebhookDelivery",
    "Worker",
    "Workflow",
    "summary",
]


class Task(models.Model):
    """One message's row: what is to be done, when, how often tried, what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7)
    actor = models.CharField(max_length=100)
    queue = models.CharField(max_length=50)
    #: 0 (last) to 10 (first), inside the queue.
    priority = models.SmallIntegerField(default=5)
    args = models.JSONField(default=list)
    kwargs = models.JSONField(default=dict)
    options = models.JSONField(default=dict)

    state = models.CharField(max_length=10, choices=State.choices)
    #: Runs that were started; also the fencing number of the present run.
    attempt = models.SmallIntegerField(default=0)
    #: Runs that ended in an error that counts; compared with `max_attempts`.
    failures = models.SmallIntegerField(default=0)
    max_attempts = models.SmallIntegerField(default=5)
    #: Runs whose worker died.
    rescues = models.SmallIntegerField(default=0)

    created_at = models.DateTimeField(db_default=Now())
    run_at = models.DateTimeField(db_default=Now())
    #: When RabbitMQ confirmed the message; empty while it is owed.
    published_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.ForeignKey(
        "Worker",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tasks",
        # Claims come by the thousand per second; a check of this key on each would
        # lock the worker's row, and a lost worker is shown as such anyway.
        db_constraint=False,
        db_index=False,
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    progress_done = models.IntegerField(null=True, blank=True)
    progress_total = models.IntegerField(null=True, blank=True)
    progress_note = models.CharField(max_length=200, blank=True, default="")
    result = models.JSONField(null=True, blank=True)
    #: Somebody waits for the end: a trigger then notifies (see `tasks.waking`).
    is_awaited = models.BooleanField(default=False, db_default=False)
    #: Something follows its end: a trigger then writes an `End` (see `tasks.following`).
    is_followed = models.BooleanField(default=False, db_default=False)
    error_class = models.CharField(max_length=200, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    #: What it carries is ciphertext (see `tasks.sealing`).
    is_sealed = models.BooleanField(default=False, db_default=False)

    #: At most one task holds a key; see `tasks.unique`.
    unique_key = models.CharField(max_length=MAX_KEY_LENGTH, null=True, blank=True)  # noqa: DJ001 - NULLs are distinct in a unique index
    unique_hold = models.CharField(
        max_length=10,
        choices=Hold.choices,
        default=Hold.UNFINISHED,
        db_default=Hold.UNFINISHED,
    )
    #: Until when a finished task holds its key; a new twin then takes it over.
    unique_until = models.DateTimeField(null=True, blank=True)
    schedule = models.ForeignKey(
        "Schedule",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tasks",
        # The unique constraint below begins with it.
        db_index=False,
    )
    planned_at = models.DateTimeField(null=True, blank=True)
    #: The task that enqueued this one, and the first of that line.
    parent_id = models.UUIDField(null=True, blank=True)
    root_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        permissions = [("unseal_task", "Can read what encrypted tasks carry")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="tasks_task_state_valid"
            ),
            models.CheckConstraint(
                condition=Q(priority__gte=0, priority__lte=10),
                name="tasks_task_priority_valid",
            ),
            models.UniqueConstraint(
                fields=["unique_key"],
                condition=HOLDS,
                name="tasks_task_unique_key_uniq",
            ),
            # Of planned runs only, so that the others have no entry here; it also serves
            # the foreign key, which has no index of its own.
            models.UniqueConstraint(
                fields=["schedule", "planned_at"],
                condition=Q(schedule__isnull=False),
                name="tasks_task_planned_uniq",
            ),
        ]
        indexes = [
            # The newest first, in admin and `task list`: of all, of a queue, of an actor,
            # and of each state but the one that nearly all end in.
            models.Index(F("created_at").desc(), name="tasks_task_created_idx"),
            models.Index(
                "queue", F("created_at").desc(), name="tasks_task_queue_created_idx"
            ),
            models.Index(
                "actor", F("created_at").desc(), name="tasks_task_actor_created_idx"
            ),
            models.Index(
                "state",
                F("created_at").desc(),
                condition=Q(state__in=[*UNFINISHED, State.FAILED, State.CANCELLED]),
                name="tasks_task_state_created_idx",
            ),
            # Search by a key or its beginning, whatever the database's collation is.
            models.Index(
                fields=["unique_key"],
                opclasses=["varchar_pattern_ops"],
                condition=Q(unique_key__isnull=False),
                name="tasks_task_unique_key_idx",
            ),
            # The relay: what is due, per queue and actor, so that paused ones cost nothing.
            models.Index(
                fields=["queue", "actor", "run_at"],
                condition=Q(state=State.SCHEDULED),
                name="tasks_task_due_idx",
            ),
            # The relay: what is owed to RabbitMQ, the most urgent first.
            models.Index(
                "queue",
                "actor",
                F("priority").desc(),
                "run_at",
                condition=Q(state=State.QUEUED, published_at__isnull=True),
                name="tasks_task_owed_idx",
            ),
            # The relay: how much RabbitMQ holds of a limited queue or actor.
            models.Index(
                fields=["queue", "actor"],
                condition=Q(state=State.QUEUED, published_at__isnull=False),
                name="tasks_task_published_idx",
            ),
            # Rescue, and the list of running tasks.
            models.Index(
                fields=["lease_until"],
                condition=Q(state=State.RUNNING),
                name="tasks_task_lease_idx",
            ),
            # All that is not finished, however long the history is: backlogs, the oldest
            # that waits, what a draining queue waits for. `state = ANY` finds no other.
            models.Index(
                fields=["queue", "state", "run_at"],
                condition=Q(state__in=UNFINISHED),
                name="tasks_task_unfinished_idx",
            ),
            # Archiving, by state and age.
            models.Index(
                fields=["state", "finished_at"],
                condition=Q(state__in=FINISHED),
                name="tasks_task_finished_idx",
            ),
            # A schedule's unfinished runs.
            models.Index(
                fields=["schedule"],
                condition=Q(schedule__isnull=False, state__in=UNFINISHED),
                name="tasks_task_planned_idx",
            ),
            # The rotation of keys.
            models.Index(
                fields=["id"],
                condition=Q(is_sealed=True),
                name="tasks_task_sealed_idx",
            ),
            # All that one task set going.
            models.Index(
                fields=["root_id"],
                condition=Q(root_id__isnull=False),
                name="tasks_task_root_idx",
            ),
        ]

    #: Whether the person who looks may read what an encrypted task carries (admin).
    may_be_unsealed = False

    def __str__(self) -> str:
        return f"{self.actor} {self.id}"

    @property
    def status(self) -> str:
        """The state in people's words, such as `retrying`."""
        return status_for_people(self.state, self.attempt)

    @property
    def error_shown(self) -> str:
        """The error message, unless it is encrypted."""
        return SEALED if is_sealed_text(self.error_message) else self.error_message


class Attempt(models.Model):
    """One run of a task that has ended, however it ended."""

    class Outcome(models.TextChoices):
        """How a run ended."""

        SUCCEEDED = "succeeded"
        FAILED = "failed"
        RETRIED = "retried"
        #: A limit said "not yet"; burns nothing.
        DEFERRED = "deferred"
        CANCELLED = "cancelled"
        #: The worker died or lost its lease.
        LOST = "lost"
        #: The worker stopped in good order and gave the task back.
        RETURNED = "returned"

    task = models.ForeignKey(
        Task,
        on_delete=models.CASCADE,
        related_name="attempts",
        # The unique constraint below begins with it.
        db_index=False,
    )
    number = models.SmallIntegerField()
    # Of the task as it was then, so that its attempts can be counted without it.
    queue = models.CharField(max_length=50)
    actor = models.CharField(max_length=100)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    worker = models.ForeignKey(
        "Worker",
        null=True,
        on_delete=models.SET_NULL,
        related_name="attempts",
        db_constraint=False,
        db_index=False,
    )
    #: Since when it might have run.
    due_at = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    error_class = models.CharField(max_length=200, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    log = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["task", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "number"], name="tasks_attempt_task_number_uniq"
            )
        ]
        indexes = [
            # What has ended since the tallies were written, and what ended lately.
            models.Index(fields=["finished_at"], name="tasks_attempt_finished_idx")
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"


def summary(task: Task) -> dict[str, Any]:
    """What a person or a program is told of a task, as JSON values.

    Of an encrypted one neither result nor error; `tasks.opening.opened` decrypts it.
    """
    return {
        "id": str(task.id),
        "actor": task.actor,
        "queue": task.queue,
        "status": task.status,
        "attempt": task.attempt,
        "progress": {
            "done": task.progress_done,
            "total": task.progress_total,
            "note": task.progress_note,
        },
        "result": None if task.is_sealed else task.result,
        "error": task.error_shown or None,
        "is_sealed": task.is_sealed,
    }
