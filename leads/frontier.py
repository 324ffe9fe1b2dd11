"""The frontier of a scrape: what a list shows, what of it is new, what has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from leads.models import Posting, ScrapeJob
from leads.sources.base import ListRow

_REMEMBER = """
INSERT INTO leads_posting AS known (
    source, key, url, title, place, row_hash, lead_id, job_id, state, reason,
    attribution, content_hash, first_seen_at, last_seen_at
)
SELECT %(source)s, each.*, %(job)s, 'new', '', '', '', %(now)s, %(now)s
FROM json_to_recordset(%(rows)s::json) AS each (
    key text, url text, title text, place text, row_hash text, lead bigint
)
ON CONFLICT (source, key) DO UPDATE SET
    url = excluded.url, title = excluded.title, place = excluded.place,
    row_hash = excluded.row_hash, job_id = excluded.job_id,
    lead_id = coalesce(known.lead_id, excluded.lead_id),
    last_seen_at = excluded.last_seen_at,
    -- Rows from before hashes were kept have none and say nothing.
    state = CASE
        WHEN known.state = 'read' AND known.row_hash NOT IN ('', excluded.row_hash)
        THEN 'new' ELSE known.state
    END
"""


def remember_rows(
    job: ScrapeJob, source: str, rows: Sequence[ListRow], leads: Sequence[int] = ()
) -> int:
    """Put a list's rows, whose keys differ, on the frontier and return their number.

    A listing that was read before is opened again when its row says something else
    than at the last time. `leads` names the lead of each row where they are known; a
    listing keeps the one that it has.
    """
    told = [
        {
            "key": row.key,
            "url": row.url[:1000],
            "title": row.title,
            "place": row.place,
            "row_hash": row_hash(row),
            "lead": lead,
        }
        for row, lead in zip_longest(rows, leads)
    ]
    parameters: dict[str, str | int | datetime] = {
        "source": source,
        "job": job.pk,
        "rows": json.dumps(told),
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, parameters)
    return len(told)


def to_read(job: ScrapeJob) -> QuerySet[Posting]:
    """Give the listings that this job still has to read, in the list's order.

    What could not be read is tried again by a later job, and by none of them twice.
    """
    is_old = Q(read_at=None) | Q(read_at__lt=job.started_at or job.created_at)
    is_open = Q(state=Posting.State.NEW) | Q(state=Posting.State.UNREADABLE) & is_old
    return job.postings.filter(is_open).select_related("lead").order_by("pk")


def row_hash(row: ListRow) -> str:
    """Give what tells whether a listing's row has changed."""
    return _digest([row.title, row.place, row.price])


def values_hash(values: Mapping[str, Any], headline: str) -> str:
    """Give what tells whether a listing's page says something else."""
    return _digest([headline, sorted(values.items())])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
