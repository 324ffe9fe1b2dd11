"""Read the first filled sheet of an XLSX file row by row, and refuse files built to harm."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from fliptech_site.errors import InvalidInput
from leads.tables.base import Row

#: Bytes of all parts after unpacking: a million wide rows fit.
_MOST_BYTES = 1_500_000_000
#: Shared texts are held in memory as a whole.
_MOST_TEXT_BYTES = 200_000_000
#: Packing better than this is no table: real sheets reach some 30.
_MOST_PACKING = 200
_MOST_PARTS = 2_000
#: What a sheet of Excel has at most, and cells of a million rows of a hundred columns.
#: A cell far off makes thousands of empty ones before it.
_MOST_ROWS, _MOST_CELLS = 1_048_576, 100_000_000
_MERGED = re.compile(
    rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"'
)
#: Merged cells beyond these are no table.
_MOST_MERGED = 20_000


def read_xlsx(path: Path) -> Iterator[Row]:
    """Give the rows of the first sheet that has any: formulas as values, numbers without ".0".

    The cells below and beside a merged cell have its value. Raises InvalidInput for
    a file that is no workbook or that would unpack beyond all measure.
    """
    # Imported late: a worker that reads no workbook does without 15 MB.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    _refuse_bombs(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, OSError, SyntaxError) as error:
        raise InvalidInput(
            f"{path.name} is no readable workbook ({error}): save it again as XLSX."
        ) from None
    with closing(book):
        if not book.worksheets:
            raise InvalidInput(f"{path.name} has no sheet with rows.")
        for sheet in book.worksheets:
            has_rows = False
            for row in _filled_rows(path, sheet):
                has_rows = True
                yield row
            if has_rows:
                return


def _filled_rows(path: Path, sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # Some programs write a wrong extent.
    merged = _Merged(_merged_areas(path, sheet))
    for number, cells in _rows(path, sheet):
        texts = merged.fill(number, [cell_text(cell) for cell in cells])
        if any(texts):
            yield Row(number, texts)


def _rows(path: Path, sheet: Any) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Give a sheet's rows with their numbers, as long as they make sense."""
    walked = number = 0
    rows = sheet.iter_rows(values_only=True)
    while True:
        try:
            cells = next(rows, None)
        except (ArithmeticError, LookupError, SyntaxError, TypeError, ValueError):
            # What openpyxl raises for a cell that says nonsense about itself.
            raise InvalidInput(
                f"{path.name} has a cell that can't be read below row {number:,}: save"
                " it again from the spreadsheet, or as CSV."
            ) from None
        if cells is None:
            return
        number, walked = number + 1, walked + len(cells)
        if number > _MOST_ROWS or walked > _MOST_CELLS:
            raise InvalidInput(
                f"{path.name} has cells beyond all measure near row {number:,}: delete"
                " what stands far off, or save it as CSV."
            )
        yield number, cells


def cell_text(value: object) -> str:
    """Give a cell as people would write it into CSV. Pure."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat()
    # What Excel puts in place of characters that XML can't hold.
    return str(value).replace("_x000D_", "").replace("\0", "").strip()


def _refuse_bombs(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _refuse_doctype(archive, part)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        raise InvalidInput(
            f"{path.name} is no XLSX file: save it from the spreadsheet as XLSX or CSV."
        ) from None
    size = sum(part.file_size for part in parts)
    packed = max(sum(part.compress_size for part in parts), 1)
    texts = sum(
        part.file_size for part in parts if part.filename.endswith("sharedStrings.xml")
    )
    if (
        len(parts) > _MOST_PARTS
        or size > _MOST_BYTES
        or texts > _MOST_TEXT_BYTES
        or (size > 1_000_000 and size / packed > _MOST_PACKING)
    ):
        raise InvalidInput(
            f"{path.name} would unpack from {packed / 1e6:.1f} to {size / 1e6:.0f} MB:"
            " it looks made to harm. Save it as CSV if it is really a table."
        )


def _refuse_doctype(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse entities: no spreadsheet writes them, and they can grow without end."""
    with archive.open(part) as stream:
        if b"<!DOCTYPE" in stream.read(1_024).upper():
            raise InvalidInput(
                f"{part.filename} in the workbook declares a document type: no"
                " spreadsheet does. Save it as CSV."
            )


def _merged_areas(path: Path, sheet: Any) -> list[tuple[int, int, int, int]]:
    """Find the merged areas of a sheet: (first row, last row, first and last column).

    They stand behind the rows, and reading row by row never tells them.
    """
    from openpyxl.utils import column_index_from_string

    part = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
    areas: list[tuple[int, int, int, int]] = []
    with zipfile.ZipFile(path) as archive:
        if part not in archive.namelist():
            return areas
        with archive.open(part) as stream:
            tail = b""
            while chunk := stream.read(1 << 20):
                text = tail + chunk
                end = text.rfind(b">") + 1
                for left, top, right, bottom in _MERGED.findall(text[:end]):
                    columns = sorted(
                        column_index_from_string(name.decode())
                        for name in (left, right)
                    )
                    areas.append((int(top), int(bottom), columns[0], columns[1]))
                    if len(areas) > _MOST_MERGED:
                        raise InvalidInput(
                            f"{path.name} has more than {_MOST_MERGED:,} merged cells:"
                            " unmerge them first."
                        )
                tail = text[end:]
    return areas


class _Merged:
    """Repeat the value of a merged cell in all that it covers, walking down."""

    def __init__(self, areas: list[tuple[int, int, int, int]]) -> None:
        self._coming = sorted(areas, reverse=True)
        self._open: list[tuple[int, int, int, str]] = []

    def fill(self, number: int, cells: list[str]) -> list[str]:
        self._open = [area for area in self._open if area[0] >= number]
        while self._coming and self._coming[-1][0] <= number:
            top, bottom, left, right = self._coming.pop()
            if top == number and left <= len(cells):
                self._open.append((bottom, left, right, cells[left - 1]))
        for _, left, right, text in self._open:
            cells += [""] * (min(right, 16_384) - len(cells))
            # A title across the sheet is one cell: only what goes down is repeated
            # beside itself too.
            cells[left - 1] = text
        return cells
