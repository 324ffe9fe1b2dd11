"""Explain from a file of businesses how its columns and rows are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fliptech_site.errors import InvalidInput
from leads.import_rows import GoodRow
from leads.importing import open_import
from leads.outcomes import Outcome

#: What `explain page` calls files of businesses.
NAME = "file"
#: Rows that are shown, and sentences on rows that can't be used.
_ITEMS, _PROBLEMS = 100_000, 100


def explain_table(path: Path) -> dict[str, Any]:
    """Give the rows of a CSV, XLSX or JSONL file as an import would take them.

    Nothing is stored and no database is asked.
    """
    try:
        opened = open_import(path)
        items, problems, left_out = [], [], 0
        for row in opened.rows:
            if isinstance(row, GoodRow):
                items.append({"line": row.line} | _filled(row))
            else:
                left_out += 1
                problems.append(row.problem)
            if len(items) >= _ITEMS:
                problems.append(f"Only the first {_ITEMS:,} rows are shown.")
                break
    except InvalidInput as error:
        return {"outcome": Outcome.ERROR, "reason": str(error), "items": []}
    outcome, reason = _ending(len(items), left_out, problems)
    return {
        "outcome": outcome,
        "reason": reason,
        "items": items,
        "count": len(items),
        "kind": "businesses",
        "columns": opened.columns,
        "unused": opened.unused,
        "problems": problems[:_PROBLEMS],
    }


def _filled(row: GoodRow) -> dict[str, Any]:
    return {field: value for field, value in row.values.items() if value != ""}


def _ending(items: int, left_out: int, problems: list[str]) -> tuple[Outcome, str]:
    if not items and not left_out:
        return Outcome.EMPTY, "There is no row below the header."
    if not items:
        told = f"None of the {left_out} rows can be used: {problems[0]}"
        return Outcome.ERROR, told
    if problems:
        return Outcome.PARTIAL, f"{left_out} rows can't be used. {problems[0]}"
    return Outcome.OK, ""
