"""Write leads to a file, row by row, and keep it for those who may have it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.export_files.base import Column, Type, Writer
from leads.export_files.csv_file import CsvWriter
from leads.export_files.jsonl_file import JsonlWriter
from leads.export_files.parquet_file import ParquetWriter
from leads.export_files.xlsx_file import XlsxWriter
from leads.filtering import Leads, filter_leads
from leads.models import Lead, LeadExport
from leads.models.files import FileState
from leads.models.lead import LEAD_FIELDS
from tasks.enqueueing import enqueue
from tasks.progressing import progress

_NUMBERS = ("latitude", "longitude")
COLUMNS = (
    Column("id", Type.INTEGER),
    *(
        Column(name, Type.NUMBER if name in _NUMBERS else Type.TEXT)
        for name in LEAD_FIELDS
    ),
    Column("score", Type.INTEGER),
    Column("reasons", Type.TEXT),
    Column("first_seen_at", Type.TIME),
)
WRITERS: dict[str, type[Writer]] = {
    "csv": CsvWriter,
    "jsonl": JsonlWriter,
    "xlsx": XlsxWriter,
    "parquet": ParquetWriter,
}
_FILE_NAME = re.compile(r"[\w][\w.-]{0,100}")
#: Rows between two looks at the progress.
_STEP = 500


def exports_folder() -> Path:
    """Give the folder of exported files, made when it is missing."""
    folder = Path(settings.VAR_DIR) / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def request_export(
    kind: str, filters: Mapping[str, Any], *, user_id: int | None
) -> LeadExport:
    """Have a worker write an export. Raises InvalidInput for filters it can't use."""
    filter_leads(filters)
    _writer(kind)
    with transaction.atomic():
        wanted = LeadExport.objects.create(
            format=kind, filters=dict(filters), created_by_id=user_id
        )
        task_id = enqueue("export_leads", format=kind, export_id=wanted.pk)
        LeadExport.objects.filter(pk=wanted.pk).update(task_id=task_id)
    return wanted


def run_export(
    kind: str, filters: Mapping[str, Any], path: str, export_id: int | None
) -> dict[str, Any]:
    """Write an export, the one that a row asks for or a new one.

    Raises InvalidInput for a row that is gone.
    """
    if export_id is None:
        return export(kind, filters, path=path)
    wanted = LeadExport.objects.filter(pk=export_id).first()
    if wanted is None:
        raise InvalidInput(f"There is no export {export_id}: it may have been deleted.")
    return export(wanted.format, wanted.filters, path=path, row=wanted)


def export(
    kind: str = "csv",
    filters: Mapping[str, Any] | None = None,
    *,
    path: str = "",
    row: LeadExport | None = None,
) -> dict[str, Any]:
    """Write the leads that filters let through, best first; returns path and count.

    `path` is a file name inside VAR_DIR/exports; empty means one with the time in it.
    Raises InvalidInput for any other path, an unknown kind or filter.
    """
    writer = _writer(kind)
    target = exports_folder() / _name(path, kind)
    # Its own draft: two exports to one name each end with a whole file.
    draft = target.with_name(f".{uuid4()}.part")
    row = row or LeadExport.objects.create(format=kind, filters=dict(filters or {}))
    try:
        leads = filter_leads(filters or row.filters)
        with writer(draft, COLUMNS) as file:
            count = _write(file, leads)
        draft.replace(target)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        _finish(row, FileState.FAILED, reason=str(error) or type(error).__name__)
        raise
    size = target.stat().st_size
    _finish(row, FileState.FINISHED, stored_as=target.name, leads=count, size=size)
    return {"path": str(target), "leads": count, "bytes": size, "export_id": row.pk}


def _finish(row: LeadExport, state: FileState, **values: Any) -> None:
    now = timezone.now()
    LeadExport.objects.filter(pk=row.pk).update(
        state=state,
        finished_at=now,
        expires_at=now + timedelta(days=settings.EXPORT_DAYS),
        **values,
    )


def _writer(kind: str) -> type[Writer]:
    if kind not in WRITERS:
        raise InvalidInput(f"{kind!r} is no format: use one of {', '.join(WRITERS)}.")
    return WRITERS[kind]


def _name(path: str, kind: str) -> str:
    name = path or f"leads-{timezone.now():%Y%m%d-%H%M%S}-{uuid4().hex[:6]}.{kind}"
    if not _FILE_NAME.fullmatch(name) or not name.endswith(f".{kind}"):
        raise InvalidInput(
            f"{name!r} is no name for an export: write a plain file name such as"
            f" leads.{kind}; it is put into the folder exports."
        )
    return name


def _write(file: Writer, leads: Leads) -> int:
    total, count = leads.count(), 0
    for row in _rows(leads):
        file.write(row)
        count += 1
        if count % _STEP == 0:
            progress(count, total)
    progress(count, count)
    return count


def _rows(leads: Leads) -> Iterator[list[object]]:
    # PostgreSQL puts NULL first when descending; an unscored lead is not the best.
    best_first = leads.order_by(F("score").desc(nulls_last=True), "pk")
    for lead in best_first.iterator(chunk_size=1_000):
        yield _row(lead)


def _row(lead: Lead) -> list[object]:
    facts = lead.as_facts()
    reasons = "; ".join(str(reason["reason"]) for reason in lead.score_reasons)
    return [
        lead.pk,
        *(facts[name] for name in LEAD_FIELDS),
        lead.score,
        reasons,
        lead.first_seen_at,
    ]


def file_of(row: LeadExport) -> Path:
    """Give the file of an export. Raises InvalidInput when there is none (any more)."""
    if row.state == FileState.RUNNING:
        raise InvalidInput("This export is still being written: wait for its end.")
    path = exports_folder() / row.stored_as
    is_over = row.expires_at is not None and row.expires_at <= timezone.now()
    if not row.stored_as or is_over or not path.is_file():
        raise InvalidInput("The file of this export is gone: export again.")
    return path
