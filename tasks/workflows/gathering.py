"""Gather the results of nodes from their tasks, which keep them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection

from tasks.sealing import is_sealed, unseal
from tasks.workflow_rows import Node, NodeState

#: Of a chain only the last child's result is wanted.
_TREE = """
WITH RECURSIVE tree AS (
    SELECT id, parent_id, position, kind, size, state
    FROM tasks_node WHERE id = ANY(%s)
    UNION
    SELECT child.id, child.parent_id, child.position, child.kind, child.size, child.state
    FROM tree JOIN tasks_node AS child ON child.parent_id = tree.id
    WHERE tree.kind = 'group' OR child.position = tree.size - 1
)
SELECT tree.id, tree.parent_id, tree.kind, tree.state, task.result::text,
    coalesce(task.is_sealed, false)
FROM tree LEFT JOIN tasks_task AS task ON task.id = tree.id AND tree.kind = 'step'
ORDER BY tree.parent_id, tree.position
"""


def gather(node_ids: Collection[UUID]) -> tuple[dict[UUID, Any], bool]:
    """Return the results of these nodes, by id; None for what did not succeed.

    The second value says whether any of them was sealed: then what takes them has to be.
    Raises KeyMissing.
    """
    if not node_ids:
        return {}, False
    with connection.cursor() as cursor:
        cursor.execute(_TREE, [list(node_ids)])
        rows = cursor.fetchall()
    own = {row[0]: row[2:] for row in rows}
    children: dict[UUID, list[UUID]] = {}
    for node_id, parent_id, *_ in rows:
        children.setdefault(parent_id, []).append(node_id)

    def result_of(node_id: UUID) -> Any:
        kind, state, text, is_row_sealed = own[node_id]
        if state != NodeState.SUCCEEDED:
            return None
        if kind == Node.Kind.STEP:
            result: Any = None if text is None else json.loads(text)
            return unseal(result) if is_row_sealed and is_sealed(result) else result
        results = [result_of(child) for child in children.get(node_id, [])]
        if kind == Node.Kind.GROUP:
            return results
        return results[-1] if results else None

    return {node_id: result_of(node_id) for node_id in node_ids}, any(
        row[-1] for row in rows
    )
