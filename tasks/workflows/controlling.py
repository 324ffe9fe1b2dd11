"""What a person may do with a workflow: cancel it, or have it run again."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from fliptech_site.errors import InvalidInput
from tasks.states import State
from tasks.workflow_rows import (
    UNFINISHED_WORKFLOW,
    Node,
    Workflow,
    WorkflowState,
)
from tasks.workflows.beginning import begin
from tasks.workflows.settling import Settling, follow, lock_workflows_of

#: Up to the first that did not end badly: a group that pardoned, or one still at work.
_REOPEN_ABOVE = """
WITH RECURSIVE above AS (
    SELECT parent.id, parent.parent_id, parent.state
    FROM tasks_node AS step JOIN tasks_node AS parent ON parent.id = step.parent_id
    WHERE step.id = %s
    UNION ALL
    SELECT parent.id, parent.parent_id, parent.state
    FROM above JOIN tasks_node AS parent ON parent.id = above.parent_id
    WHERE above.state IN ('failed', 'cancelled')
)
UPDATE tasks_node AS node SET state = 'running'
FROM above WHERE node.id = above.id AND above.state IN ('failed', 'cancelled')
RETURNING node.parent_id IS NULL
"""


def cancel(workflow_id: UUID) -> str:
    """Cancel a workflow; return its state.

    Nothing more begins, waiting tasks are cancelled, running ones are asked to stop:
    until they have, it is `stopping`. A finished workflow is left as it is.
    """
    with transaction.atomic():
        workflow = _lock(workflow_id)
        if workflow.state in UNFINISHED_WORKFLOW:
            Workflow.objects.filter(pk=workflow_id).update(cancel_requested_at=Now())
            workflow = _lock(workflow_id)
            Settling(workflow).stop()
    return find_workflow(workflow_id).state


def retry(workflow_id: UUID) -> None:
    """Run what failed or was cancelled again, and then what comes after it.

    What succeeded keeps its result; what a group pardoned stays as it is. Raises
    InvalidInput when the workflow has not failed and was not cancelled.
    """
    with transaction.atomic():
        workflow = _lock(workflow_id)
        if workflow.state not in (WorkflowState.FAILED, WorkflowState.CANCELLED):
            raise InvalidInput(
                f"Workflow {workflow_id} is {workflow.state}: only failed and cancelled"
                " workflows can be retried."
            )
        _retry_locked(workflow)


def retry_step(task_id: UUID) -> bool:
    """Run one step's task again, and let its workflow go on with it.

    Returns False when the task is no step of a workflow. A workflow that its failure
    had stopped is retried as a whole, since it needs the others, too. One that a person
    cancelled stays so. Raises InvalidInput when the task can't be run again now.
    """
    # The task may have ended a moment ago, unseen.
    follow([(task_id, State.FAILED)])
    workflow = next(iter(lock_workflows_of([task_id])), None)
    if workflow is None:
        return False
    step = Node.objects.get(pk=task_id)
    if workflow.state == WorkflowState.STOPPING:
        raise InvalidInput(
            f"Workflow {workflow.pk} is stopping: retry it when it has stopped."
        )
    is_stopped_by_failure = (
        workflow.state == WorkflowState.FAILED
        and workflow.on_failure == Workflow.OnFailure.CANCEL
    )
    if step.role == Node.Role.BODY and is_stopped_by_failure:
        _retry_locked(workflow)
    begin(workflow, {task_id: None})
    if step.role == Node.Role.BODY:
        _reopen_above(workflow, step)
    return True


def find_workflow(workflow_id: UUID) -> Workflow:
    """Return the workflow; raises InvalidInput when there is none with this id."""
    try:
        return Workflow.objects.get(pk=workflow_id)
    except Workflow.DoesNotExist:
        raise InvalidInput(
            f"There is no workflow {workflow_id}; it may have been pruned."
        ) from None


def _lock(workflow_id: UUID) -> Workflow:
    find_workflow(workflow_id)
    return Workflow.objects.select_for_update(no_key=True).get(pk=workflow_id)


def _retry_locked(workflow: Workflow) -> None:
    workflow = _reopen(workflow)
    root = Node.objects.get(workflow=workflow, parent=None, role=Node.Role.BODY)
    Settling(workflow).begin({root.pk: None})


def _reopen_above(workflow: Workflow, step: Node) -> None:
    """Let what ended badly because of this step be at work again."""
    if workflow.state == WorkflowState.CANCELLED:
        return
    with connection.cursor() as cursor:
        cursor.execute(_REOPEN_ABOVE, [step.pk])
        is_root_open = step.parent_id is None or any(
            row[0] for row in cursor.fetchall()
        )
    if workflow.state == WorkflowState.FAILED and is_root_open:
        _reopen(workflow)
    elif workflow.failed_step == step.pk:
        Workflow.objects.filter(pk=workflow.pk).update(
            failed_step=None, error_message=""
        )


def _reopen(workflow: Workflow) -> Workflow:
    Workflow.objects.filter(
        pk=workflow.pk, state__in=(WorkflowState.FAILED, WorkflowState.CANCELLED)
    ).update(
        state=WorkflowState.RUNNING,
        run=F("run") + 1,
        finished_at=None,
        cancel_requested_at=None,
        failed_step=None,
        error_message="",
    )
    return Workflow.objects.get(pk=workflow.pk)
