"""Keep a row for each request: written before it goes out, completed after it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from leads.models import Fetch, Lead, ScrapeJob

#: As many of an answer's redirects as are kept.
_MAX_REDIRECTS = 20


def begin_fetch(
    url: str,
    purpose: Fetch.Purpose,
    *,
    host: str,
    job: ScrapeJob | None = None,
    lead: Lead | None = None,
) -> Fetch:
    """Write down that a request is about to go out."""
    return Fetch.objects.create(
        url=url[:2000], host=host[:260], purpose=purpose, job=job, lead=lead
    )


def end_fetch(
    row: Fetch, *, finished_at: datetime, redirects: Iterable[str] = (), **fields: Any
) -> None:
    """Write down what came of a request; `fields` are those of its row."""
    for name, value in fields.items():
        setattr(row, name, value)
    row.final_url = row.final_url[:2000]
    row.redirects = [url[:2000] for url in redirects][:_MAX_REDIRECTS]
    row.finished_at = finished_at
    row.save()
