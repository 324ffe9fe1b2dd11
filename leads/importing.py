"""Import businesses from a CSV file: good rows become leads, bad ones are named."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.csv_rows import BadRow, GoodRow, decode_csv, read_rows
from leads.merging import Kind, store_record
from leads.models import Lead
from leads.records import LeadRecord
from tasks.enqueueing import enqueue

#: The largest file that is read, some 100,000 businesses.
_MAX_BYTES = 50_000_000


@dataclass
class ImportReport:
    """What an import did."""

    created: int = 0
    merged: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


def import_file(path: Path, *, send_on: bool = True) -> ImportReport:
    """Import a CSV file. Raises InvalidInput when nothing of it can be read.

    Every good row is stored at once, whatever the rows after it are like; importing
    the same file again creates nothing. `send_on` has the new leads visited and
    scored.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _MAX_BYTES else b""
    except OSError as error:
        raise InvalidInput(
            f"{str(path)!r} can't be read ({error.strerror}): check its name."
        ) from None
    if size > _MAX_BYTES:
        raise InvalidInput(
            f"{path.name} has {size / 1e6:.0f} MB: split it into files below 50 MB."
        )
    return import_text(decode_csv(data), origin=path.name, send_on=send_on)


def import_text(text: str, *, origin: str, send_on: bool = True) -> ImportReport:
    """Import CSV text; `origin` is kept as the place where the facts came from."""
    report = ImportReport()
    for row in read_rows(text):
        if isinstance(row, BadRow):
            report.problems.append(row.problem)
            continue
        kind = _store(row, origin, send_on=send_on)
        setattr(report, kind.value, getattr(report, kind.value) + 1)
    return report


def _store(row: GoodRow, origin: str, *, send_on: bool) -> Kind:
    country = str(row.values.get("country") or "").upper()
    record = LeadRecord(
        values=row.values,
        source="import",
        url=f"file:{origin}",
        fetched_at=timezone.now(),
        region=country if len(country) == 2 else "US",
        # Without a website, telephone or city the row itself has to be recognised.
        listing_key=_row_key(row),
    )
    with transaction.atomic():
        stored = store_record(record)
        if send_on and stored.kind != Kind.KNOWN:
            website = Lead.objects.values_list("website", flat=True).get(
                pk=stored.lead_id
            )
            actor = "scrape_website" if website else "analyze_lead"
            enqueue(
                actor, lead_id=stored.lead_id, unique_key=f"{actor}:{stored.lead_id}"
            )
    return stored.kind


def _row_key(row: GoodRow) -> str:
    identifying = ("website", "phone", "city")
    if any(row.values.get(field) for field in identifying):
        return ""
    return f"import:{row.values['name']}|{row.values.get('email', '')}"
