"""Write JSONL: one object a line, what is unknown is null."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from leads.export_files.base import Column, Writer


class JsonlWriter(Writer):
    """One JSON object per line, UTF-8."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        super().__init__(path, columns)
        self._stream = path.open("w", encoding="utf-8")
        self._names = [column.name for column in columns]

    def write(self, row: Sequence[object]) -> None:
        """Write one object."""
        values = {
            name: cell.isoformat(timespec="seconds")
            if isinstance(cell, datetime)
            else cell
            for name, cell in zip(self._names, row, strict=True)
        }
        self._stream.write(json.dumps(values, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()

    abandon = close
