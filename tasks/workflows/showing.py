"""Show a workflow's tree, as much of it as a person can look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from tasks.sealing import shown_text
from tasks.workflow_rows import Node, NodeState, Workflow

#: Children shown of one parent: first those that failed, then those that are at work.
CHILDREN = 20
#: Nodes shown in all.
NODES = 400
#: Nodes from which on what has succeeded is folded.
ROOMY = 60

_LEVEL = """
WITH placed AS (
    SELECT node.*, row_number() OVER (
        PARTITION BY node.parent_id ORDER BY
            array_position('{{failed,running,cancelled,waiting,succeeded}}', node.state::text),
            node.position
    ) AS rank
    FROM tasks_node AS node WHERE {which}
)
SELECT placed.id, placed.parent_id, placed.position, placed.kind, placed.role,
    placed.state, placed.size, placed.may_fail, placed.actor,
    coalesce(task.state, ''), coalesce(task.attempt, 0),
    coalesce(task.error_message, ''), task.started_at, task.finished_at
FROM placed LEFT JOIN tasks_task AS task ON task.id = placed.id
WHERE placed.rank <= %(children)s
ORDER BY placed.parent_id, placed.role, placed.position
"""
_ROOTS = _LEVEL.format(
    which="node.workflow_id = %(workflow)s AND node.parent_id IS NULL"
)
_BELOW = _LEVEL.format(which="node.parent_id = ANY(%(parents)s)")


@dataclass(frozen=True, slots=True)
class Line:
    """One node as it is shown; the fields from `node_id` on are the statement's columns."""

    depth: int
    #: Such as "2.1", as sentences name it; of a step after the body its role.
    place: str
    #: Children that are not shown.
    hidden: int
    node_id: UUID
    parent_id: UUID | None
    position: int
    kind: str
    role: str
    state: str
    size: int
    may_fail: bool
    actor: str
    #: The task's own state, which tells more than the step's; empty without a task.
    task_state: str
    attempt: int
    error: str
    started_at: datetime | None
    finished_at: datetime | None


def lines_of(workflow: Workflow) -> list[Line]:
    """Return the nodes of a workflow, each before its children, in one query per level."""
    level = _read(_ROOTS, {"workflow": workflow.pk})
    below: dict[UUID | None, list[tuple[Any, ...]]] = {None: level}
    total = len(level)
    while level and total < NODES:
        is_roomy = total < ROOMY
        parents = [
            row[0]
            for row in level
            if row[6] and (is_roomy or row[5] != NodeState.SUCCEEDED)
        ]
        level = _read(_BELOW, {"parents": parents}) if parents else []
        level = level[: NODES - total]
        total += len(level)
        for row in level:
            below.setdefault(row[1], []).append(row)
    return list(_lines(below, None, 0, ""))


def _read(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "children": CHILDREN})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _lines(
    below: dict[UUID | None, list[tuple[Any, ...]]],
    parent_id: UUID | None,
    depth: int,
    above: str,
) -> Iterator[Line]:
    for row in below.get(parent_id, []):
        node_id, position, kind, role, size = row[0], row[2], row[3], row[4], row[6]
        if parent_id is not None:
            place = f"{above}.{position + 1}".lstrip(".")
        elif role == Node.Role.BODY:
            place = "1" if kind == Node.Kind.STEP else ""
        else:
            place = role
        hidden = size - len(below.get(node_id, []))
        shown = (*row[:11], shown_text(row[11], may_unseal=False), *row[12:])
        yield Line(depth, place, hidden, *shown)
        yield from _lines(below, node_id, depth + 1, place)
