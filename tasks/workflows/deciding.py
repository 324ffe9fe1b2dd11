"""What becomes of a chain or group when children of it have come to rest. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tasks.workflow_rows import NodeState, WorkflowState


@dataclass(frozen=True, slots=True)
class Ended:
    """A node that has come to rest."""

    node_id: UUID
    #: None for a root.
    parent_id: UUID | None
    position: int
    state: str


def chain_state(last: str, *, has_next: bool, is_stopping: bool) -> NodeState | None:
    """Return the state of a chain after its latest child; None when the next begins."""
    if last != NodeState.SUCCEEDED:
        return NodeState(last)
    if not has_next:
        return NodeState.SUCCEEDED
    return NodeState.CANCELLED if is_stopping else None


def group_state(
    *, has_failed: bool, has_cancelled: bool, may_fail: bool, is_stopping: bool
) -> NodeState:
    """Return the state of a group whose children are all at rest.

    `may_fail` pardons what failed or was cancelled by itself. What was cancelled because
    the workflow stops is no outcome: a retry has to run it again.
    """
    if may_fail:
        is_unfinished = has_cancelled and is_stopping
        return NodeState.CANCELLED if is_unfinished else NodeState.SUCCEEDED
    if has_failed:
        return NodeState.FAILED
    return NodeState.CANCELLED if has_cancelled else NodeState.SUCCEEDED


def final_state(root: str, *, is_cancel_requested: bool) -> WorkflowState:
    """Return how a workflow has ended whose root is at rest.

    One that was done before the cancellation took hold has succeeded, like a task.
    """
    if root == NodeState.SUCCEEDED:
        return WorkflowState.SUCCEEDED
    if is_cancel_requested or root == NodeState.CANCELLED:
        return WorkflowState.CANCELLED
    return WorkflowState.FAILED
