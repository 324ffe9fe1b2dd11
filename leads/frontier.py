"""The frontier of a scrape: what a list shows, what of it is new, what has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from leads.models import Posting, ScrapeJob
from leads.sources.base import ListRow

_UPDATED = ["url", "title", "place", "job", "row_hash", "last_seen_at"]


def remember_rows(job: ScrapeJob, source: str, rows: Iterable[ListRow]) -> int:
    """Put a list's rows on the frontier and return their number.

    A listing that was read before is opened again when its row says something else
    than at the last time. Everything or nothing is stored.
    """
    seen_at = timezone.now()
    postings = [
        Posting(
            source=source,
            key=row.key,
            url=row.url[:1000],
            title=row.title,
            place=row.place,
            row_hash=row_hash(row),
            job=job,
            last_seen_at=seen_at,
        )
        for row in rows
    ]
    with transaction.atomic():
        changed = _changed(source, postings)
        Posting.objects.bulk_create(
            postings,
            update_conflicts=True,
            unique_fields=["source", "key"],
            update_fields=_UPDATED,
        )
        if changed:
            Posting.objects.filter(source=source, key__in=changed).update(
                state=Posting.State.NEW
            )
    return len(postings)


def _changed(source: str, postings: list[Posting]) -> list[str]:
    """Give the keys of read listings whose row has changed."""
    now = {posting.key: posting.row_hash for posting in postings}
    known = (
        Posting.objects.filter(source=source, key__in=now, state=Posting.State.READ)
        # Rows from before hashes were kept have none and say nothing.
        .exclude(row_hash="")
        .values_list("key", "row_hash")
    )
    return [key for key, before in known if before != now[key]]


def row_hash(row: ListRow) -> str:
    """Give what tells whether a listing's row has changed."""
    return _digest([row.title, row.place, row.price])


def values_hash(values: Mapping[str, Any], headline: str) -> str:
    """Give what tells whether a listing's page says something else."""
    return _digest([headline, sorted(values.items())])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
