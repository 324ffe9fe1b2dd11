"""Wait for the end of a workflow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from tasks.waking import wait_for
from tasks.workflow_rows import UNFINISHED_WORKFLOW, Node, Workflow
from tasks.workflows.controlling import find_workflow
from tasks.workflows.gathering import gather


def wait(workflow_id: UUID, seconds: float | None) -> Workflow | None:
    """Return the workflow once it has ended; None when it has not after `seconds`.

    `seconds` of None waits without an end. Raises InvalidInput when there is none with
    this id.
    """

    def look() -> Workflow | None:
        workflow = find_workflow(workflow_id)
        return None if workflow.state in UNFINISHED_WORKFLOW else workflow

    def mark() -> bool:
        # The mark's lock would last as long as the transaction.
        if connection.in_atomic_block:
            return False
        Workflow.objects.filter(
            pk=workflow_id, is_awaited=False, state__in=UNFINISHED_WORKFLOW
        ).update(is_awaited=True)
        return True

    return wait_for([f"workflow:{workflow_id}"], look, seconds, mark)


def result_of(workflow_id: UUID) -> Any:
    """Return the result of a workflow that succeeded; None of any other.

    That is what a step after its body would take as RESULT.
    """
    root = Node.objects.get(workflow=workflow_id, parent=None, role=Node.Role.BODY)
    return gather({root.pk})[0][root.pk]
