"""What PostgreSQL did for each statement of a piece of code: its plan and what it read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

_EXPLAINED = ("SELECT", "UPDATE", "INSERT", "DELETE", "WITH")


@dataclass(frozen=True)
class Plan:
    """One statement as it was carried out."""

    sql: str
    tree: dict[str, Any]

    @property
    def pages(self) -> int:
        """Pages of 8 kB that it looked at, wherever they came from."""
        hit: int = self.tree["Shared Hit Blocks"]
        read: int = self.tree["Shared Read Blocks"]
        return hit + read

    def __str__(self) -> str:
        return f"{self.sql}\n{json.dumps(_outline(self.tree), indent=1)}"


def _outline(tree: dict[str, Any]) -> dict[str, Any]:
    """Keep of a plan what says where the pages went."""
    words = ("Node Type", "Relation Name", "Index Name", "Filter", "Shared Hit Blocks")
    told = {word: tree[word] for word in words if word in tree}
    if children := [_outline(child) for child in tree.get("Plans", ())]:
        told["Plans"] = children
    return told


@contextmanager
def plans_of_statements() -> Iterator[list[Plan]]:
    """Collect the plan of every statement that runs inside; call it in a transaction.

    Each is carried out twice: for its plan, which is rolled back, and for the caller.
    """
    plans: list[Plan] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip("\n (").startswith(_EXPLAINED):
            plans.append(Plan(sql, _explained(sql, params)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


def _explained(sql: str, params: Any) -> dict[str, Any]:
    point = transaction.savepoint()
    # Below Django's cursor, which would explain the explanation.
    with connection.connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        (answer,) = cursor.fetchone()
    transaction.savepoint_rollback(point)
    told = json.loads(answer) if isinstance(answer, str) else answer
    tree: dict[str, Any] = told[0]["Plan"]
    return tree
