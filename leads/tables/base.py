"""What every kind of table file is read into: a header and rows that know their line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: Header rows are looked for in so many rows; above them stand titles.
_TITLE_ROWS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row, stripped; `line` is its number in the file, from 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be used, and a sentence that says why and what to do."""

    line: int
    problem: str


@dataclass
class Table:
    """A header and the rows below it; rows can be walked once."""

    header: list[str]
    rows: Iterator[Row | BadRow]


def split_header(rows: Iterator[Row | BadRow]) -> Table:
    """Take the header off rows: the first row of two and more cells, or the first.

    Columns of one name are told apart: "phone", "phone (2)".
    """
    seen: list[Row | BadRow] = []
    header: Row | None = None
    for row in rows:
        seen.append(row)
        if isinstance(row, Row) and _cells_used(row) > 1:
            header = row
            break
        if len(seen) >= _TITLE_ROWS:
            break
    if header is None:
        header = next((each for each in seen if isinstance(each, Row)), None)
        if header is None:
            return Table([], _chain(seen, rows))
        seen = seen[seen.index(header) + 1 :]
        return Table(_distinct(header.cells), _chain(seen, rows))
    problems = [each for each in seen if isinstance(each, BadRow)]
    return Table(_distinct(header.cells), _chain(list(problems), rows))


def number_columns(rows: Iterator[Row | BadRow]) -> Table:
    """Take rows without a header: the columns are called "column 1" and so on."""
    first = next(rows, None)
    if first is None:
        return Table([], rows)
    width = len(first.cells) if isinstance(first, Row) else 1
    names = [f"column {number}" for number in range(1, width + 1)]
    return Table(names, _chain([first], rows))


def _cells_used(row: Row) -> int:
    return sum(1 for cell in row.cells if cell)


def _chain(
    first: list[Row | BadRow], rest: Iterator[Row | BadRow]
) -> Iterator[Row | BadRow]:
    yield from first
    yield from rest


def _distinct(names: list[str]) -> list[str]:
    used = max((at for at, name in enumerate(names, 1) if name), default=0)
    names = names[:used]
    counts: dict[str, int] = {}
    distinct = []
    for position, name in enumerate(names, start=1):
        name = name or f"column {position}"
        counts[name] = counts.get(name, 0) + 1
        distinct.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return distinct
