"""Write CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from leads.export_files.base import Column, Writer

#: What spreadsheets take for the beginning of a formula, full-width signs too.
_FORMULA = re.compile(r"[\s\u200b\ufeff]*[=+\-@\t\r\n|%\uff1d\uff0b\uff0d\uff20]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def defuse(value: object) -> str:
    """Give a cell's text so that no spreadsheet takes it for a formula. Pure.

    A leading quote is the usual mark for "this is text"; numbers and telephone
    numbers (+14155550123) need none.
    """
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = "" if value is None else str(value)
    if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


class CsvWriter(Writer):
    """Comma separated, UTF-8 with a mark, by which Excel knows it."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        super().__init__(path, columns)
        self._stream = path.open("w", newline="", encoding="utf-8-sig")
        self._writer = csv.writer(self._stream)
        self._writer.writerow([column.name for column in columns])

    def write(self, row: Sequence[object]) -> None:
        """Write one row."""
        self._writer.writerow([defuse(cell) for cell in row])

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()

    abandon = close
