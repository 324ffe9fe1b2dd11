"""Read JSONL files (one object a line) or a JSON list of objects into rows."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from fliptech_site.errors import InvalidInput
from leads.tables.base import BadRow, Row, Table
from leads.tables.csv_table import find_encoding

#: Objects whose keys make the header.
_SAMPLE = 500
#: The longest line, so that one without an end does not fill the memory.
_LONGEST_LINE = 1_000_000
_CHUNK = 1 << 18
_BETWEEN = re.compile(r"[\s,]*")


def read_jsonl(path: Path) -> Table:
    """Read a JSONL file or a JSON list; nested objects give columns "address.city".

    Keys that come first after the 500th object are left out. Raises InvalidInput for
    a file without an object.
    """
    found = _objects(path)
    first = list(itertools.islice(found, _SAMPLE))
    names = {
        name: None for each in first if isinstance(each[1], dict) for name in each[1]
    }
    if not names and first:
        raise InvalidInput(
            f"{path.name} has no JSON object: write one object per line, or a list of"
            " objects."
        )
    header = list(names)
    return Table(header, _rows(itertools.chain(first, found), header))


def _objects(path: Path) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Give each line's number and its flat object, or a sentence on what is wrong."""
    with path.open(encoding=find_encoding(path), errors="replace") as stream:
        if _is_list(stream):
            yield from _listed(stream)
            return
        number = 0
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            if line.strip():
                yield number, _object(number, line)


def _is_list(stream: TextIO) -> bool:
    """Say whether a file is one list of objects, not an object a line; rewinds it."""
    start = stream.read(_LONGEST_LINE // 100)
    stream.seek(0)
    return bool(re.match(r"\ufeff?\s*\[\s*(?:\{|$)", start))


def _listed(stream: TextIO) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Give the objects of a list one by one, numbered from 1: memory stays flat."""
    decoder = json.JSONDecoder()
    text, at, number = stream.read(_CHUNK), 0, 0
    at = text.index("[") + 1
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        if text.startswith("]", at):
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            left = text[at:]
            more = "" if len(left) >= _LONGEST_LINE else stream.read(_CHUNK)
            if more:
                text, at = left + more, 0
                continue
            if left:
                yield number + 1, f"Object {number + 1}: it is no JSON ({error})."
            return
        number += 1
        yield number, _flat_object(number, value)


def _object(number: int, line: str) -> dict[str, str] | str:
    if len(line) >= _LONGEST_LINE:
        return f"Line {number}: it is longer than {_LONGEST_LINE:,} characters."
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"Line {number}: it is no JSON ({error}): write one object per line."
    return _flat_object(number, value)


def _flat_object(number: int, value: object) -> dict[str, str] | str:
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
