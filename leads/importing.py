"""Import businesses from a file: good rows become leads, bad ones are named."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.bulk_storing import store_records
from leads.file_matching import SAMPLE_ROWS
from leads.import_rows import GoodRow, check_row, region_of
from leads.merging import Kind, Stored
from leads.models import Lead
from leads.records import LeadRecord
from leads.tables.base import BadRow, Row
from leads.tables.mapping import Columns, is_header, map_columns, parse_map
from leads.tables.opening import open_table
from leads.tables.picking import make_picker
from tasks.enqueueing import enqueue_many

#: Rows that are stored together.
_BATCH = 500
#: Sentences that are kept of one import; the others are counted.
MOST_PROBLEMS = 500


@dataclass
class ImportReport:
    """What an import did, or has done so far."""

    created: int = 0
    merged: int = 0
    known: int = 0
    left_out: int = 0
    #: The first `MOST_PROBLEMS` sentences on rows that were left out.
    problems: list[str] = field(default_factory=list)

    def add_problem(self, problem: str) -> None:
        """Count a row that was left out, and keep the sentence about it."""
        self.left_out += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


@dataclass
class OpenedImport:
    """A file whose columns are known and whose rows are checked as they are walked."""

    header: list[str]
    columns: Columns
    rows: Iterator[GoodRow | BadRow]

    @property
    def unused(self) -> list[str]:
        """The columns that make no field."""
        used = {name for names in self.columns.values() for name in names}
        return [name for name in self.header if name not in used]


def open_import(
    path: Path,
    *,
    maps: Sequence[str] = (),
    given: Mapping[str, Sequence[str]] | None = None,
) -> OpenedImport:
    """Open a file for importing. Raises InvalidInput when its rows have no names.

    `maps` are texts such as "name=Company", `given` the same as columns by field.
    """
    table = open_table(path)
    if not table.header:
        raise InvalidInput(
            f"{path.name} is empty: its first line has to name the columns."
        )
    sample = list(itertools.islice(table.rows, SAMPLE_ROWS))
    cells = [row.cells for row in sample if isinstance(row, Row)]
    wanted = parse_map(maps, table.header) if given is None else given
    if not wanted and not is_header(table.header):
        raise InvalidInput(
            f"The first line of {path.name} is a row, not the columns' names"
            f" ({', '.join(table.header)[:80]}): put a line above it that names them."
        )
    columns = map_columns(table.header, cells, wanted)
    if "name" not in columns:
        raise InvalidInput(
            f"No column of {path.name} says the business's name (its columns are"
            f" {', '.join(table.header)}): name it with --map name=COLUMN."
        )
    rows = itertools.chain(sample, table.rows)
    return OpenedImport(table.header, columns, _checked(rows, table.header, columns))


def _checked(
    rows: Iterator[Row | BadRow], header: list[str], columns: Columns
) -> Iterator[GoodRow | BadRow]:
    pick = make_picker(header, columns)
    for row in rows:
        if isinstance(row, BadRow):
            yield row
        elif any(row.cells[len(header) :]):
            yield BadRow(
                row.line,
                f"Line {row.line}, column {len(header) + 1}: the row has"
                f" {len(row.cells)} cells and the header {len(header)}: quote cells"
                " that contain the separator.",
            )
        elif any(row.cells):
            yield check_row(row.line, pick(row.cells))


def import_file(
    path: Path,
    *,
    maps: Sequence[str] = (),
    given: Mapping[str, Sequence[str]] | None = None,
    origin: str = "",
    send_on: bool = True,
    skip: int = 0,
    report: ImportReport | None = None,
    after_batch: Callable[[ImportReport, int], bool] = lambda report, rows: True,
) -> ImportReport:
    """Import a file. Raises InvalidInput when nothing of it can be read.

    Every good row is stored, whatever the rows after it are like; importing the same
    file again creates nothing. `send_on` has the new leads visited and scored.
    `origin` is kept as the place where the facts came from. After each batch
    `after_batch` gets the report and the number of rows that are done; it stops the
    import by returning False, and `skip` goes on from there.
    """
    report = report or ImportReport()
    opened = open_import(path, maps=maps, given=given)
    rows = itertools.islice(opened.rows, skip, None)
    done = skip
    while batch := list(itertools.islice(rows, _BATCH)):
        _store(batch, report, origin or path.name, send_on=send_on)
        done += len(batch)
        if not after_batch(report, done):
            break
    return report


def _store(
    batch: list[GoodRow | BadRow], report: ImportReport, origin: str, *, send_on: bool
) -> None:
    records = []
    for row in batch:
        if isinstance(row, BadRow):
            report.add_problem(row.problem)
        else:
            records.append(_record(row, origin))
    stored = store_records(records)
    for each in stored:
        kind = each.kind.value
        setattr(report, kind, getattr(report, kind) + 1)
    if send_on:
        _send_on(stored)


def _record(row: GoodRow, origin: str) -> LeadRecord:
    return LeadRecord(
        values=row.values,
        source="import",
        url=f"file:{origin}",
        fetched_at=timezone.now(),
        region=region_of(row.values),
        # Without a website, telephone or city the row itself has to be recognised.
        listing_key=_row_key(row),
    )


def _row_key(row: GoodRow) -> str:
    identifying = ("website", "phone", "city")
    if any(row.values.get(field) for field in identifying):
        return ""
    return f"import:{row.values['name']}|{row.values.get('email', '')}"


def _send_on(stored: list[Stored]) -> None:
    """Have the leads visited and scored that the file brought something for."""
    ids = {each.lead_id for each in stored if each.kind != Kind.KNOWN}
    websites = dict(Lead.objects.filter(pk__in=ids).values_list("pk", "website"))
    visits = [{"lead_id": lead_id} for lead_id, site in websites.items() if site]
    scores = [{"lead_id": lead_id} for lead_id, site in websites.items() if not site]
    enqueue_many("scrape_website", visits)
    enqueue_many("analyze_lead", scores)
