"""The rows of workflows: the workflow, and its nodes as a tree."""

from __future__ import annotations

import uuid_utils.compat
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class WorkflowState(models.TextChoices):
    """Where a workflow is in its life."""

    #: At least one of its tasks is unfinished, and more may begin.
    RUNNING = "running"
    #: Nothing more begins; tasks that run are asked to stop and waited for.
    STOPPING = "stopping"
    #: Its root succeeded.
    SUCCEEDED = "succeeded"
    #: A step failed and its results are missed. It can be retried.
    FAILED = "failed"
    #: Stopped by a person. It can be retried.
    CANCELLED = "cancelled"


class NodeState(models.TextChoices):
    """Where a node is: a step of a workflow, or a chain or group in it."""

    #: Its turn has not come.
    WAITING = "waiting"
    #: Its task is enqueued; of a chain or group: something in it has begun.
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED_WORKFLOW = (WorkflowState.RUNNING, WorkflowState.STOPPING)
#: Nodes whose end is still to come.
OPEN = (NodeState.WAITING, NodeState.RUNNING)
#: Nodes that a retry runs again.
UNDONE = (NodeState.FAILED, NodeState.CANCELLED)


class Workflow(models.Model):
    """Tasks that belong together: what follows what, and what came of all."""

    class OnFailure(models.TextChoices):
        """What a failed step does to the others."""

        CANCEL = "cancel", "cancel the others"
        KEEP = "keep", "let the others go on"

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=WorkflowState.choices)
    on_failure = models.CharField(max_length=6, choices=OnFailure.choices)
    #: How often it was set going: 1, and one more with each retry.
    run = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    #: The first step that failed and was missed; the error says which and why.
    failed_step = models.UUIDField(null=True, blank=True)
    error_message = models.TextField(blank=True, default="")
    #: Somebody waits for the end: then it is notified.
    is_awaited = models.BooleanField(default=False, db_default=False)
    #: The task that started it, and the first of that line; its tasks inherit both.
    parent_id = models.UUIDField(null=True, blank=True)
    root_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=WorkflowState.values),
                name="tasks_workflow_state_valid",
            ),
        ]
        indexes = [
            # The newest first, in admin and `workflow list`.
            models.Index(F("created_at").desc(), name="tasks_workflow_created_idx"),
            # The sweep.
            models.Index(
                fields=["created_at"],
                condition=Q(state__in=UNFINISHED_WORKFLOW),
                name="tasks_workflow_unfinished_idx",
            ),
            # Pruning.
            models.Index(
                fields=["finished_at"],
                condition=Q(finished_at__isnull=False),
                name="tasks_workflow_finished_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Node(models.Model):
    """A place in a workflow's tree. A step and its task share one id.

    So the ledger's primary key lets each step have one task and no more.
    """

    class Kind(models.TextChoices):
        """What a node consists of."""

        #: One task.
        STEP = "step"
        #: Children one after the other.
        CHAIN = "chain"
        #: Children side by side.
        GROUP = "group"

    class Role(models.TextChoices):
        """What a node is for."""

        BODY = "body"
        #: Runs once when the workflow has succeeded.
        THEN = "then"
        #: Runs once for each end that is no success; one row per end.
        OTHERWISE = "otherwise"

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="nodes", db_index=False
    )
    parent = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.CASCADE,
        related_name="children",
        db_index=False,
    )
    #: Place among its siblings, from 0 without gaps.
    position = models.IntegerField()
    kind = models.CharField(max_length=5, choices=Kind.choices)
    role = models.CharField(max_length=9, choices=Role.choices, default=Role.BODY)
    state = models.CharField(
        max_length=9, choices=NodeState.choices, default=NodeState.WAITING
    )
    #: Children of a chain or group; they are all there from the start.
    size = models.IntegerField(default=0)
    #: A group that goes on when children failed, with None for their results.
    may_fail = models.BooleanField(default=False)
    actor = models.CharField(max_length=100, blank=True, default="")
    priority = models.SmallIntegerField(default=5)
    kwargs = models.JSONField(default=dict)
    #: Arguments that are filled in when it begins: name -> `result` or `outcome`.
    takes = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]  # as they were written: parents before children
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=NodeState.values), name="tasks_node_state_valid"
            ),
            models.UniqueConstraint(
                fields=["parent", "position"], name="tasks_node_place_uniq"
            ),
            models.UniqueConstraint(
                fields=["workflow", "role", "position"],
                condition=Q(parent__isnull=True),
                name="tasks_node_root_uniq",
            ),
        ]
        indexes = [
            # Counts for people, the stop and the sweep.
            models.Index(
                fields=["workflow", "state"],
                condition=Q(kind="step"),
                name="tasks_node_counts_idx",
            ),
            # Whether a group has an open child. Looked at from the last place, since
            # the first ones end first and leave dead entries behind.
            models.Index(
                fields=["parent", "position"],
                condition=Q(state__in=OPEN),
                name="tasks_node_open_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.actor or f"{self.kind} of {self.size}"
