"""Uploaded files: keep them, show what they would bring, import them as a task."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.import_rows import GoodRow
from leads.importing import ImportReport, import_file, open_import
from leads.models import LeadImport
from leads.models.files import FileState
from leads.tables.mapping import Columns
from leads.tables.opening import ENDINGS
from tasks.enqueueing import enqueue
from tasks.progressing import progress

#: Rows of a preview, good and bad.
_PREVIEW_ROWS = 20
#: Seconds after which an import hands over to a new task: well inside its limit.
_SHIFT_SECONDS = 200


@dataclass
class Preview:
    """What the first rows of a file would bring."""

    header: list[str]
    columns: Columns
    unused: list[str]
    rows: list[GoodRow]
    problems: list[str]


def imports_folder() -> Path:
    """Give the folder of uploaded files, made when it is missing."""
    folder = Path(settings.VAR_DIR) / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep_upload(
    name: str, chunks: Iterable[bytes], *, user_id: int | None
) -> LeadImport:
    """Keep an uploaded file. Raises InvalidInput for a kind that is not read."""
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        raise InvalidInput(
            f"{name!r} is no table that can be read: upload a CSV, XLSX or JSONL file."
        )
    stored_as = f"{uuid4()}{ending}"
    with (imports_folder() / stored_as).open("wb") as stream:
        for chunk in chunks:
            stream.write(chunk)
    return LeadImport.objects.create(
        name=Path(name).name[:200], stored_as=stored_as, created_by_id=user_id
    )


def file_of(kept: LeadImport) -> Path:
    """Give the path of an import's file. Raises InvalidInput when it is gone."""
    path = imports_folder() / kept.stored_as
    if not kept.stored_as or not path.is_file():
        raise InvalidInput(f"The file of {kept.name!r} is gone: upload it again.")
    return path


def preview(
    path: Path,
    *,
    maps: Sequence[str] = (),
    given: Mapping[str, Sequence[str]] | None = None,
    rows: int = _PREVIEW_ROWS,
) -> Preview:
    """Show what the first rows would bring, without storing any. Raises InvalidInput."""
    opened = open_import(path, maps=maps, given=given)
    found = Preview(opened.header, opened.columns, opened.unused, [], [])
    for _, row in zip(range(rows), opened.rows, strict=False):
        if isinstance(row, GoodRow):
            found.rows.append(row)
        else:
            found.problems.append(row.problem)
    return found


def start_import(kept: LeadImport) -> None:
    """Have a worker import an uploaded file, once. Raises InvalidInput."""
    preview(file_of(kept), given=kept.columns or None, rows=1)
    with transaction.atomic():
        started = LeadImport.objects.filter(
            pk=kept.pk, state__in=(FileState.UPLOADED, FileState.FAILED)
        ).update(state=FileState.RUNNING, reason="")
        if not started:
            raise InvalidInput(f"{kept.name!r} is being imported already, or is in.")
        task_id = enqueue("import_leads", import_id=kept.pk)
        LeadImport.objects.filter(pk=kept.pk).update(task_id=task_id)


def run_import(import_id: int) -> dict[str, Any]:
    """Import an uploaded file as far as the time of one task allows.

    What is left goes to a new task; a killed one goes on behind the last batch.
    """
    kept = LeadImport.objects.filter(pk=import_id).first()
    if kept is None:
        raise InvalidInput(f"There is no import {import_id}: it may have been deleted.")
    if kept.state != FileState.RUNNING:
        return {"rows": kept.rows_done, "state": kept.state}
    until = time.monotonic() + _SHIFT_SECONDS
    is_all = True

    def after_batch(report: ImportReport, rows: int) -> bool:
        nonlocal is_all
        _save(import_id, report, rows)
        progress(rows, 0, f"{rows:,} rows of {kept.name}")
        is_all = time.monotonic() < until
        return is_all

    report = _report_of(kept)
    try:
        import_file(
            file_of(kept),
            given=kept.columns or None,
            origin=kept.name,
            send_on=kept.send_on,
            skip=kept.rows_done,
            report=report,
            after_batch=after_batch,
        )
    except InvalidInput as error:
        _end(import_id, FileState.FAILED, str(error))
        raise
    if is_all:
        _end(import_id, FileState.FINISHED)
        file_of(kept).unlink()
        LeadImport.objects.filter(pk=import_id).update(stored_as="")
    else:
        with transaction.atomic():
            task_id = enqueue("import_leads", import_id=import_id)
            LeadImport.objects.filter(pk=import_id).update(task_id=task_id)
    counts = {"created": report.created, "merged": report.merged}
    return counts | {"known": report.known, "left_out": report.left_out}


def _report_of(kept: LeadImport) -> ImportReport:
    return ImportReport(
        kept.created, kept.merged, kept.known, kept.left_out, list(kept.problems)
    )


def _save(import_id: int, report: ImportReport, rows: int) -> None:
    LeadImport.objects.filter(pk=import_id).update(
        rows_done=rows,
        created=report.created,
        merged=report.merged,
        known=report.known,
        left_out=report.left_out,
        problems=report.problems,
    )


def _end(import_id: int, state: FileState, reason: str = "") -> None:
    LeadImport.objects.filter(pk=import_id, state=FileState.RUNNING).update(
        state=state, reason=reason, finished_at=timezone.now()
    )
