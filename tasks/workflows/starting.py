"""Start a workflow: its rows and its first tasks, in the caller's transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from fliptech_site.errors import InvalidInput
from tasks.declaring import find_actor
from tasks.enqueueing import DEFAULT_PRIORITY, check_priority, origin
from tasks.sealing import sealed_kwargs
from tasks.workflow_rows import Node, Workflow, WorkflowState
from tasks.workflows.composing import Chain, Part, Step, check_whole
from tasks.workflows.settling import Settling

#: Rows of one INSERT.
BATCH = 1000


def start(
    body: Part,
    *,
    name: str = "",
    on_failure: str = "cancel",
    then: Step | None = None,
    otherwise: Step | None = None,
    priority: int = DEFAULT_PRIORITY,
) -> UUID:
    """Start a workflow and return its id.

    When a step fails for good, `on_failure` says what becomes of the others: "cancel"
    cancels those that wait and asks those that run to stop; "keep" lets everything go
    on that does not need the missing result. Either way the workflow then is failed.
    A step that a person cancels counts the same.

    `then` is a step that runs once when the workflow has succeeded, `otherwise` one
    that runs once for each end that is none: failed or cancelled. An argument of theirs
    may be OUTCOME: a dict of `workflow`, `name`, `state`, and of the step that failed
    first `step` (its place, such as "2.1"), `task`, `actor` and `error`.

    Raises InvalidInput when it can't be run as it stands.
    """
    if on_failure not in Workflow.OnFailure.values:
        raise InvalidInput(
            f"on_failure is {on_failure!r}: use one of {Workflow.OnFailure.values}."
        )
    check_whole(body, then, otherwise)
    check_priority(priority)
    parent_id, root_id = origin()
    workflow = Workflow(
        name=(name or _name_of(body))[:200],
        state=WorkflowState.RUNNING,
        on_failure=on_failure,
        parent_id=parent_id,
        root_id=root_id,
    )
    rows = _Rows(workflow, priority)
    root = rows.add(body, Node.Role.BODY)
    for role, after in ((Node.Role.THEN, then), (Node.Role.OTHERWISE, otherwise)):
        if after is not None:
            rows.add(after, role)
    with transaction.atomic():
        workflow.save(force_insert=True)
        Node.objects.bulk_create(rows.nodes, batch_size=BATCH)
        Settling(workflow).begin({root.pk: None})
    return workflow.pk


class _Rows:
    """The rows of a workflow, parents before children."""

    def __init__(self, workflow: Workflow, priority: int) -> None:
        self.nodes: list[Node] = []
        self._workflow = workflow
        self._priority = priority

    def add(
        self,
        part: Part,
        role: Node.Role,
        parent_id: UUID | None = None,
        position: int = 0,
    ) -> Node:
        """Add the rows of `part`; its depth has been checked."""
        node = Node(
            id=uuid_utils.compat.uuid7(),
            workflow=self._workflow,
            parent_id=parent_id,
            position=position,
            role=role,
            **self._columns(part),
        )
        self.nodes.append(node)
        if not isinstance(part, Step):
            for place, child in enumerate(part.parts):
                self.add(child, role, node.pk, place)
        return node

    def _columns(self, part: Part) -> dict[str, Any]:
        if isinstance(part, Step):
            return {
                "kind": Node.Kind.STEP,
                "actor": part.actor,
                "priority": self._priority if part.priority is None else part.priority,
                "kwargs": sealed_kwargs(find_actor(part.actor), part.kwargs),
                "takes": {name: taken.value for name, taken in part.takes.items()},
            }
        if isinstance(part, Chain):
            return {"kind": Node.Kind.CHAIN, "size": len(part.parts)}
        return {
            "kind": Node.Kind.GROUP,
            "size": len(part.parts),
            "may_fail": part.may_fail,
        }


def _name_of(body: Part) -> str:
    """Name a workflow by the actors in it, in the order in which they first come."""
    actors = list(dict.fromkeys(one.actor for one in body.walk()))
    more = f" and {len(actors) - 3} more" if len(actors) > 3 else ""
    return (", ".join(actors[:3]) + more) or "nothing to do"
