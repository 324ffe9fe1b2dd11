"""Open a file of businesses as a table, whatever kind it is."""

from __future__ import annotations

from pathlib import Path

from fliptech_site.errors import InvalidInput
from leads.tables.base import Table, number_columns, split_header
from leads.tables.csv_table import read_csv
from leads.tables.json_table import read_jsonl
from leads.tables.xlsx_table import read_xlsx

#: The largest file that is read; a million businesses fit.
MOST_BYTES = 1_000_000_000
#: Endings of the files that are read.
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".jsonl", ".ndjson")


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
    if ending in (".jsonl", ".ndjson"):
        return read_jsonl(path)
    if ending in (".xls", ".ods", ".xlsb"):
        raise InvalidInput(
            f"{path.name} is a spreadsheet of another kind: save it as XLSX or CSV."
        )
    if ending in (".xlsx", ".xlsm"):
        return split_header(iter(read_xlsx(path)))
    rows = read_csv(path, strict=strict)
    return split_header(rows) if has_header else number_columns(rows)
