"""Tell people and programs of a workflow: places, sentences, counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count

from tasks.models import Task
from tasks.workflow_rows import Node, NodeState, Workflow

_PLACE = """
WITH RECURSIVE above AS (
    SELECT parent_id, position, 0 AS height FROM tasks_node WHERE id = %s
    UNION ALL
    SELECT node.parent_id, node.position, above.height + 1
    FROM above JOIN tasks_node AS node ON node.id = above.parent_id
)
SELECT string_agg((position + 1)::text, '.' ORDER BY height DESC)
FROM above WHERE parent_id IS NOT NULL
"""


def place_of(step_id: UUID) -> str:
    """Return where a step stands, such as "2.1": the first in the second of the root.

    The root itself is "1".
    """
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [step_id])
        row = cursor.fetchone()
    return (row and row[0]) or "1"


def sentence_of(step_id: UUID) -> str:
    """Say which step failed or was cancelled, and why."""
    step = Node.objects.get(pk=step_id)
    who = f"Step {place_of(step_id)} ({step.actor})"
    task = Task.objects.filter(pk=step_id).first()
    if task is None:
        return f"{who}: its task is not there any more."
    if step.state == NodeState.CANCELLED:
        return f"{who} was cancelled."
    return f"{who} failed: {task.error_shown}"


def outcome_of(workflow: Workflow) -> dict[str, Any]:
    """Return what a step is told that runs after the workflow; see `start`."""
    failed = workflow.failed_step
    step = Node.objects.filter(pk=failed).first() if failed else None
    return {
        "workflow": str(workflow.pk),
        "name": workflow.name,
        "state": str(workflow.state),
        "step": place_of(step.pk) if step else None,
        "task": str(step.pk) if step else None,
        "actor": step.actor if step else None,
        "error": workflow.error_message or None,
    }


def step_counts(workflow_ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Return the steps of each workflow by state, in one query."""
    rows = (
        Node.objects.filter(
            workflow__in=list(workflow_ids), kind=Node.Kind.STEP, role=Node.Role.BODY
        )
        .order_by()
        .values_list("workflow_id", "state")
        .annotate(n=Count("*"))
    )
    counts: dict[UUID, dict[str, int]] = {}
    for workflow_id, state, number in rows:
        counts.setdefault(workflow_id, {})[state] = number
    return counts


def counts_in_words(counts: dict[str, int]) -> str:
    """Say counts of steps, such as "3 of 5 done, 1 failed, 1 running"."""
    total = sum(counts.values())
    if not total:
        return "no steps"
    done = counts.get(NodeState.SUCCEEDED, 0)
    others = [
        f"{counts[state]} {state.value}"
        for state in (
            NodeState.FAILED,
            NodeState.CANCELLED,
            NodeState.RUNNING,
            NodeState.WAITING,
        )
        if counts.get(state)
    ]
    return ", ".join([f"{done} of {total} done", *others])
