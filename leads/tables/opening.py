"""Open a file of businesses as a table, whatever kind it is."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from fliptech_site.errors import InvalidInput
from leads.tables.base import Table, number_columns, split_header
from leads.tables.csv_table import read_csv
from leads.tables.json_table import read_jsonl
from leads.tables.xlsx_table import read_xlsx

#: The largest file that is read; a million businesses fit.
MOST_BYTES = 1_000_000_000
#: Endings of the files that are read.
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".jsonl", ".ndjson", ".json")
#: What a file begins with that is no CSV, whatever its name says, and what to do.
_OTHERS = (
    (
        re.compile(
            rb"<(?:!doctype|html|head|body|table|\?xml|meta|div)\b", re.IGNORECASE
        ),
        "is a web page: open it in a spreadsheet and save it as XLSX or CSV.",
    ),
    (
        re.compile(rb'\{\s*"|\[\s*[\[{]'),
        "is JSON: let its name end in .json or .jsonl.",
    ),
    (
        re.compile(rb"%PDF-|\{\\rtf"),
        "is a document to print: copy its table into a spreadsheet, save it as CSV.",
    ),
    (
        re.compile(rb"PK\x03\x04|\xd0\xcf\x11\xe0"),
        "is a workbook: let its name end in .xlsx, or save it as CSV.",
    ),
)


def open_table(path: Path, *, strict: bool = True, has_header: bool = True) -> Table:
    """Open a CSV, XLSX or JSONL file. Raises InvalidInput when it can't be read.

    Rows are read as they are walked, so that memory stays flat.
    """
    ending = path.suffix.lower()
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidInput(
            f"{str(path)!r} can't be read ({error.strerror}): check its name."
        ) from None
    if not path.is_file():
        raise InvalidInput(f"{str(path)!r} is no file: name a CSV, XLSX or JSONL file.")
    if size > MOST_BYTES:
        raise InvalidInput(
            f"{path.name} has {size / 1e9:.1f} GB: split it into files below 1 GB."
        )
    if ending in (".jsonl", ".ndjson", ".json"):
        return read_jsonl(path)
    if ending in (".xls", ".ods", ".xlsb"):
        raise InvalidInput(
            f"{path.name} is a spreadsheet of another kind: save it as XLSX or CSV."
        )
    if ending in (".xlsx", ".xlsm"):
        return split_header(iter(read_xlsx(path)))
    _refuse_others(path)
    rows = read_csv(path, strict=strict)
    return split_header(rows) if has_header else number_columns(rows)


def _refuse_others(path: Path) -> None:
    """Refuse what would only make rows of nonsense."""
    with path.open("rb") as stream:
        start = stream.read(512).removeprefix(codecs.BOM_UTF8).lstrip()
    for pattern, told in _OTHERS:
        if pattern.match(start):
            raise InvalidInput(f"{path.name} {told}")
