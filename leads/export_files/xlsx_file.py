"""Write XLSX row by row; texts are texts, so nothing in them is a formula."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leads.export_files.base import Column, Type, Writer

#: Rows of a sheet and characters of a cell in Excel.
_MOST_ROWS, _MOST_TEXT = 1_048_576, 32_767
_WIDTHS = {Type.TEXT: 24, Type.INTEGER: 9, Type.NUMBER: 12, Type.TIME: 18}


class XlsxWriter(Writer):
    """One sheet with a fixed header; what does not fit goes on in a next one."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        super().__init__(path, columns)
        # Imported late: only a worker that exports needs it.
        from xlsxwriter import Workbook

        # xlsxwriter leaves its parts behind when it is not closed.
        self._parts = tempfile.mkdtemp(prefix="export-", dir=path.parent)
        options = {
            "constant_memory": True,
            "tmpdir": self._parts,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book: Any = Workbook(str(path), options)
        self._bold = self._book.add_format({"bold": True})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._sheets = 0
        self._start_sheet()

    def write(self, row: Sequence[object]) -> None:
        """Write one row."""
        if self._row >= _MOST_ROWS:
            self._start_sheet()
        for place, cell in enumerate(row):
            if isinstance(cell, datetime):
                # Excel knows no time zones; the header says that it is UTC.
                plain = cell.astimezone(UTC).replace(tzinfo=None)
                self._sheet.write_datetime(self._row, place, plain, self._time)
            elif isinstance(cell, int | float):
                self._sheet.write_number(self._row, place, cell)
            elif cell:
                text = _printable(str(cell))[:_MOST_TEXT]
                self._sheet.write_string(self._row, place, text)
        self._row += 1

    def close(self) -> None:
        """Finish the file."""
        try:
            self._book.close()
        finally:
            shutil.rmtree(self._parts, ignore_errors=True)

    def abandon(self) -> None:
        """Let go of the parts."""
        self._book.fileclosed = 1  # Or it would write itself when it is collected.
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()
        shutil.rmtree(self._parts, ignore_errors=True)

    def _start_sheet(self) -> None:
        self._sheets += 1
        name = "Leads" if self._sheets == 1 else f"Leads {self._sheets}"
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(self.columns):
            self._sheet.set_column(place, place, _WIDTHS[column.type])
        for place, column in enumerate(self.columns):
            title = column.name + (" (UTC)" if column.type == Type.TIME else "")
            self._sheet.write_string(0, place, title, self._bold)
        self._row = 1


def _printable(text: str) -> str:
    """Leave out what XML can't hold."""
    return "".join(char for char in text if char >= " " or char in "\t\n")
