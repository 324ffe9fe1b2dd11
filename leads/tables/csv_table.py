"""Read CSV files of any encoding and separator, row by row."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from fliptech_site.errors import InvalidInput
from leads.tables.base import BadRow, Row

_SEPARATORS = ",;\t|"
_CHUNK = 1 << 20
#: Characters of one cell; a quote that is never closed ends here.
_LONGEST_CELL = 131_072
#: Lines from which the separator is guessed.
_SAMPLE_LINES = 20
_NO_TEXT = (
    "The file is no text of a known encoding: save it as UTF-8, a spreadsheet as CSV"
    " (UTF-8)."
)
#: What no program writes into a text, and any other file has beside its zeros.
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1a]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def find_encoding(path: Path) -> str:
    """Find the encoding of a text file: what its mark says, UTF-8, or Windows.

    Raises InvalidInput for a file that is no text.
    """
    with path.open("rb") as stream:
        start = stream.read(4_096)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if start.count(0) > _stray(len(start)):
        return _unmarked_utf16(start)
    for encoding in ("utf-8", "cp1252"):
        if _decodes(path, encoding):
            return encoding
    raise InvalidInput(_NO_TEXT)


def _unmarked_utf16(start: bytes) -> str:
    """Tell UTF-16 without a mark by the zeros beside its Latin letters."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) * 0.4 and min(even, odd) < len(start) / 50:
        return "utf-16-be" if even > odd else "utf-16-le"
    raise InvalidInput(_NO_TEXT)


def _stray(size: int) -> float:
    """Give how many zeros a text of so many bytes may have; its rows leave them out.

    Programs that cut cells in the middle write some; other files are full of them.
    """
    return max(3, size / 500)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                text = decoder.decode(chunk)
                zeros = text.count("\0")
                if zeros > _stray(len(chunk)) or (zeros and _CONTROLS.search(text)):
                    return False
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def read_csv(path: Path, *, strict: bool = True) -> Iterator[Row | BadRow]:
    """Give the rows of a CSV file; blank lines are left out.

    Strict reading names a quote that is never closed instead of swallowing the rows
    after it; otherwise quotes are taken as spreadsheets take them.
    """
    encoding = find_encoding(path)
    with path.open(encoding=encoding, newline="", errors="replace") as stream:
        sample, skip = _sample(stream)
        stream.seek(0)
        separator = find_separator(sample)
        for _ in range(skip):
            stream.readline()
        # Strict: otherwise a quote that is never closed swallows all rows after it.
        reader = csv.reader(stream, delimiter=separator, strict=strict)
        yield from _rows(reader, skip)


def _sample(stream: TextIO) -> tuple[list[str], int]:
    lines = []
    for _ in range(_SAMPLE_LINES):
        line = stream.readline(_LONGEST_CELL)
        if not line:
            break
        lines.append(line)
    # Excel writes "sep=;" above the header.
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) <= 5:
        return lines, 1
    return lines, 0


def find_separator(lines: list[str]) -> str:
    """Find the separator that cuts these lines into rows of one width. Pure."""
    if lines and lines[0].lower().startswith("sep="):
        return lines[0].rstrip("\r\n")[4:5] or "\t"

    def fitness(separator: str) -> tuple[float, int]:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:
            return 0.0, 0
        width = len(rows[0]) if rows else 1
        same = sum(len(row) == width for row in rows) / len(rows) if rows else 0
        return (same if width > 1 else 0.0), width

    return max(_SEPARATORS, key=fitness)


def _rows(reader: Iterator[list[str]], skipped: int) -> Iterator[Row | BadRow]:
    while True:
        # A quoted cell may span lines; the row is named by its first one.
        line = reader.line_num + skipped + 1  # type: ignore[attr-defined]
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(line, _no_csv(line, error))
            continue
        if cells and cells != [""]:
            yield Row(line, [cell.strip().replace("\0", "") for cell in cells])


def _no_csv(line: int, error: csv.Error) -> str:
    text = str(error)
    if "end of data" in text:
        return (
            f"Line {line}: a quote is opened here and never closed, so no row from here"
            " on could be read: close it and import the file again."
        )
    if "field limit" in text:
        return (
            f"Line {line}: a cell has more than {_LONGEST_CELL:,} characters, or its"
            " quote is never closed, which loses rows: shorten or close it and import"
            " the file again."
        )
    return f"Line {line}: it is no CSV ({error}): mend its quotes."
