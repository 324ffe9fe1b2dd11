"""Write leads to a CSV file that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.models import Lead
from leads.models.lead import LEAD_FIELDS
from tasks.progressing import progress

_COLUMNS = ("id", *LEAD_FIELDS, "score", "reasons", "first_seen_at")
_FILE_NAME = re.compile(r"[\w][\w.-]{0,100}\.csv")
#: What spreadsheets take for the beginning of a formula.
_FORMULA = re.compile(r"\s*[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def defuse(value: object) -> str:
    """Give a cell's text so that no spreadsheet takes it for a formula. Pure.

    A leading quote is the usual mark for "this is text"; numbers and telephone
    numbers need none.
    """
    text = "" if value is None else str(value)
    if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def export(*, min_score: int = 0, path: str = "") -> dict[str, Any]:
    """Write active leads with at least this score, best first, and return path and count.

    `path` is a file name inside VAR_DIR/exports; empty means one with the time in it.
    0 includes leads without a score. Raises InvalidInput for any other path.
    """
    name = path or f"leads-{timezone.now():%Y%m%d-%H%M%S}.csv"
    if not _FILE_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name for an export: write a plain file name such as"
            " leads.csv; it is put into the folder exports."
        )
    folder = Path(settings.VAR_DIR) / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    draft = target.with_suffix(".csv.part")
    with draft.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        count = _write(writer, min_score)
    draft.replace(target)
    return {"path": str(target), "leads": count}


def _write(writer: Any, min_score: int) -> int:
    leads = Lead.objects.active()
    if min_score:
        leads = leads.filter(score__gte=min_score)
    total, count = leads.count(), 0
    for row in _rows(leads):
        writer.writerow([defuse(cell) for cell in row])
        count += 1
        if count % 500 == 0:
            progress(count, total)
    return count


def _rows(leads: Any) -> Iterator[list[object]]:
    for lead in leads.order_by("-score", "pk").iterator(chunk_size=1_000):
        reasons = "; ".join(reason["reason"] for reason in lead.score_reasons)
        seen: datetime = lead.first_seen_at
        facts = lead.as_facts()
        yield [
            lead.pk,
            *(facts[field] for field in LEAD_FIELDS),
            lead.score,
            reasons,
            seen.isoformat(timespec="seconds"),
        ]
