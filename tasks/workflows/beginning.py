"""Begin nodes: enqueue the tasks whose turn has come, a few statements for thousands.

What has succeeded is left as it is, and so is a task that waits or runs: to begin a node
that was at work before is its retry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from tasks.declaring import find_actor
from tasks.enqueueing import Order, insert
from tasks.requeueing import requeue
from tasks.sealing import continuing, unsealed_kwargs
from tasks.workflow_rows import Node, NodeState, Workflow
from tasks.workflows.composing import Taken
from tasks.workflows.deciding import Ended
from tasks.workflows.gathering import gather

#: Tasks enqueued by one statement.
BATCH = 1000

_SELECT = """
SELECT node.id, node.parent_id, node.position, node.kind, node.state, node.actor,
    node.priority, node.kwargs::text, node.takes::text, {source}
FROM unnest(%s::uuid[], %s::uuid[]) AS begun(node_id, source)
{nodes}
ORDER BY node.parent_id, node.position
"""
_GIVEN = _SELECT.format(
    source="begun.source",
    nodes="""
JOIN tasks_node AS node ON node.id = begun.node_id AND node.state <> 'succeeded'
""",
)
#: They all take what came before the group.
_CHILDREN_OF_GROUPS = _SELECT.format(
    source="begun.source",
    nodes="""
JOIN tasks_node AS node
    ON node.parent_id = begun.node_id AND node.state <> 'succeeded'
""",
)
#: The first that is not done takes what the one before it left.
_NEXT_OF_CHAINS = _SELECT.format(
    source="coalesce(before.id, begun.source)",
    nodes="""
CROSS JOIN LATERAL (
    SELECT * FROM tasks_node AS child
    WHERE child.parent_id = begun.node_id AND child.state <> 'succeeded'
    ORDER BY child.position LIMIT 1
) AS node
LEFT JOIN tasks_node AS before
    ON before.parent_id = begun.node_id AND before.position = node.position - 1
""",
)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A node that begins; the fields are the columns of the statements."""

    node_id: UUID
    parent_id: UUID | None
    position: int
    kind: str
    state: str
    actor: str
    priority: int
    kwargs: str
    takes: str
    #: The node whose result it takes.
    source: UUID | None


def begin(
    workflow: Workflow,
    starts: Mapping[UUID, UUID | None],
    outcome: Mapping[str, Any] | None = None,
) -> list[Ended]:
    """Begin nodes, each with the node whose result it takes.

    Returns those nodes that were done at once, having nothing in them to wait for. The
    caller holds the workflow's lock.
    """
    if not starts:
        return []
    running: list[UUID] = []
    steps: list[_Begun] = []
    done: list[Ended] = []
    level = _read(_GIVEN, starts)
    while level:
        inner: dict[str, list[_Begun]] = {Node.Kind.CHAIN: [], Node.Kind.GROUP: []}
        for one in level:
            if one.kind == Node.Kind.STEP:
                steps.append(one)
            else:
                inner[one.kind].append(one)
        level = [
            *_read(_CHILDREN_OF_GROUPS, _sources(inner[Node.Kind.GROUP])),
            *_read(_NEXT_OF_CHAINS, _sources(inner[Node.Kind.CHAIN])),
        ]
        parents = {one.parent_id for one in level}
        for one in (*inner[Node.Kind.CHAIN], *inner[Node.Kind.GROUP]):
            if one.node_id in parents:
                running.append(one.node_id)
            else:
                done.append(
                    Ended(one.node_id, one.parent_id, one.position, NodeState.SUCCEEDED)
                )
    steps = [one for one in steps if one.state != NodeState.RUNNING]
    move(NodeState.RUNNING, [*running, *(one.node_id for one in steps)])
    move(NodeState.SUCCEEDED, [one.node_id for one in done])
    _enqueue(workflow, steps, outcome)
    return done


def _read(statement: str, begun: Mapping[UUID, UUID | None]) -> list[_Begun]:
    if not begun:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(begun), list(begun.values())])
        return [_Begun(*row) for row in cursor.fetchall()]


def _sources(nodes: Sequence[_Begun]) -> dict[UUID, UUID | None]:
    return {one.node_id: one.source for one in nodes}


def move(state: NodeState, node_ids: Sequence[UUID]) -> None:
    """Set the state of nodes. The caller holds the workflow's lock."""
    if not node_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_node SET state = %s WHERE id = ANY(%s)",
            [state, list(node_ids)],
        )


def _enqueue(
    workflow: Workflow, steps: Sequence[_Begun], outcome: Mapping[str, Any] | None
) -> None:
    """Insert the tasks that there are none of yet, and run the others again."""
    sources = {one.source for one in steps if one.source and one.takes != "{}"}
    results, are_sealed = gather(sources)
    again: list[UUID] = []
    for (actor, priority), batch in _batches(steps):
        order = Order(
            find_actor(actor),
            priority,
            is_followed=True,
            origin=(workflow.parent_id, workflow.root_id),
        )
        rows = [(one.node_id, (), _arguments(one, results, outcome)) for one in batch]
        with continuing(are_sealed):
            new = set(insert(order, rows))
        again.extend(one.node_id for one in batch if one.node_id not in new)
    if again:
        requeue(again)


def _batches(
    steps: Sequence[_Begun],
) -> Iterator[tuple[tuple[str, int], list[_Begun]]]:
    kinds: dict[tuple[str, int], list[_Begun]] = {}
    for one in steps:
        kinds.setdefault((one.actor, one.priority), []).append(one)
    for kind, alike in kinds.items():
        for start in range(0, len(alike), BATCH):
            yield kind, alike[start : start + BATCH]


def _arguments(
    one: _Begun, results: Mapping[UUID, Any], outcome: Mapping[str, Any] | None
) -> dict[str, Any]:
    kwargs = unsealed_kwargs(json.loads(one.kwargs))
    for name, taken in json.loads(one.takes).items():
        if taken == Taken.OUTCOME.value:
            kwargs[name] = outcome
        else:
            kwargs[name] = None if one.source is None else results[one.source]
    return kwargs
