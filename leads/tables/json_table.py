"""Read JSONL files (one object a line) or a JSON list of objects into rows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fliptech_site.errors import InvalidInput
from leads.tables.base import BadRow, Row, Table
from leads.tables.csv_table import find_encoding

#: Objects whose keys make the header.
_SAMPLE = 500
#: The longest line, so that one without an end does not fill the memory.
_LONGEST_LINE = 1_000_000


def read_jsonl(path: Path) -> Table:
    """Read a JSONL file; nested objects give columns such as "address.city".

    Keys that come first after the 500th object are left out. Raises InvalidInput for
    a file that is one JSON value instead of lines.
    """
    found = _objects(path)
    first = list(itertools.islice(found, _SAMPLE))
    names = {
        name: None for each in first if isinstance(each[1], dict) for name in each[1]
    }
    if not names and first:
        raise InvalidInput(
            f"{path.name} has no JSON object in a line: write one object per line."
        )
    header = list(names)
    return Table(header, _rows(itertools.chain(first, found), header))


def _objects(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Give each line's number and its flat object, or a sentence on what is wrong."""
    with path.open(encoding=find_encoding(path), errors="replace") as stream:
        number = 0
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            if line.strip():
                yield number, _object(number, line)


def _object(number: int, line: str) -> dict[str, str] | str:
    if len(line) >= _LONGEST_LINE:
        return f"Line {number}: it is longer than {_LONGEST_LINE:,} characters."
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"Line {number}: it is no JSON ({error}): write one object per line."
    if not isinstance(value, dict):
        return f'Line {number}: it is no JSON object: write {{"name": …}}.'
    return dict(_flat(value))


def _flat(value: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, each in value.items():
        name = f"{above}{key}"
        if isinstance(each, dict) and above.count(".") < 3:
            yield from _flat(each, f"{name}.")
        elif isinstance(each, list):
            yield name, "; ".join(str(item) for item in each)
        else:
            yield name, "" if each is None else str(each).strip()


def _rows(
    objects: Iterator[tuple[int, dict[str, str] | str]], header: list[str]
) -> Iterator[Row | BadRow]:
    for number, found in objects:
        if isinstance(found, str):
            yield BadRow(number, found)
        else:
            cells = [found.get(name, "").replace("\0", "") for name in header]
            yield Row(number, cells)
