"""Store the rows of a list as leads in one statement, when nobody knows them yet.

A row has no name, site or number but only its listing's own id, so there is nothing to
match: what is new is decided by one key. Everything else goes through `bulk_storing`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import cache
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from fliptech_site.binding import fetch_bound
from leads.bulk_storing import store_records
from leads.folding import FALLBACK
from leads.merging import Kind, Stored
from leads.models import Lead
from leads.records import LeadRecord
from leads.sources.base import ListRow

_STATEMENT = """
WITH row AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS each (
        number integer, key text, url text, name text, city text, latitude text,
        longitude text
    )
), told AS MATERIALIZED (
    SELECT nextval((SELECT pg_get_serial_sequence('leads_lead', 'id'))::regclass) AS id, row.*
    FROM row
    -- An array and not a join: without fresh statistics the planner reads every
    -- listing's key there is rather than looking these few up in the index.
    WHERE key NOT IN (
        SELECT value FROM leads_leadkey
        WHERE kind = 'listing' AND value = ANY(ARRAY(SELECT key FROM row))
    )
), lead AS (
    INSERT INTO leads_lead ({columns}) SELECT {values} FROM told
), key AS (
    INSERT INTO leads_leadkey (lead_id, kind, value, created_at)
    SELECT id, 'listing', key, %(now)s FROM told
), fact AS (
    INSERT INTO leads_leadfact (lead_id, field, value, source, url, fetched_at)
    SELECT told.id, said.field, said.value, said.source, told.url, %(now)s
    FROM told, LATERAL (VALUES
        ('name', told.name, %(headline)s), ('city', told.city, %(source)s),
        ('latitude', told.latitude, %(source)s),
        ('longitude', told.longitude, %(source)s)
    ) AS said (field, value, source)
    WHERE said.value <> ''
)
SELECT number, id FROM told
"""
#: What a list says of a lead; the name is a headline until somebody says it.
_TOLD = {
    "id": "id",
    "name": "name",
    "city": "city",
    "latitude": "latitude::float8",
    "longitude": "longitude::float8",
    "first_seen_at": "%(now)s",
    "updated_at": "%(now)s",
}


def store_rows(source: str, rows: Sequence[ListRow]) -> list[Stored]:
    """Store the rows of one list, whose keys differ; gives where each went, in order."""
    now = timezone.now()
    # Alone, the one statement is a transaction of itself, which saves two round trips.
    guard = transaction.atomic if connection.in_atomic_block else nullcontext
    try:
        with guard():
            fresh = _insert(source, rows, now)
    except IntegrityError:
        # Another worker stored one of them at this moment: let the locks settle it.
        fresh = {}
    stored = {index: Stored(lead_id, Kind.CREATED) for index, lead_id in fresh.items()}
    rest = [index for index in range(len(rows)) if index not in stored]
    records = [_record(source, rows[index], now) for index in rest]
    stored |= zip(rest, store_records(records) if records else [], strict=True)
    return [stored[index] for index in range(len(rows))]


def listing_key(source: str, row: ListRow) -> str:
    """Give the key by which a listing's lead is found again."""
    return f"{source}:{row.key}"[:400]


def _headline(source: str, row: ListRow) -> str:
    return (row.title or f"{source} {row.key}")[:200]


def _record(source: str, row: ListRow, now: datetime) -> LeadRecord:
    return LeadRecord(
        values={
            "city": row.place[:100],
            "latitude": row.latitude,
            "longitude": row.longitude,
        },
        source=source,
        url=row.url,
        fetched_at=now,
        listing_key=listing_key(source, row),
        fallback_name=_headline(source, row),
    )


def _insert(source: str, rows: Sequence[ListRow], now: datetime) -> dict[int, int]:
    """Insert what is new; gives the new lead by the place of its row."""
    statement, defaults = _statement()
    told = [_told(source, row, number) for number, row in enumerate(rows)]
    parameters = {
        **defaults,
        "rows": json.dumps(told, separators=(",", ":")),
        "source": source,
        "headline": FALLBACK,
        "now": now,
    }
    return dict(fetch_bound(statement, parameters))


def _told(source: str, row: ListRow, number: int) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "number": number,
        "key": listing_key(source, row),
        "url": row.url[:1000],
        "name": _headline(source, row),
        "city": row.place[:100],
    }
    # Few rows have them; as facts hold them, so that storing again finds the same.
    if row.latitude is not None:
        told["latitude"] = str(row.latitude)
    if row.longitude is not None:
        told["longitude"] = str(row.longitude)
    return told


@cache
def _statement() -> tuple[str, dict[str, Any]]:
    """Give the statement and the defaults of those columns that a list says nothing of."""
    columns, values, defaults = [], [], {}
    for field in Lead._meta.concrete_fields:
        columns.append(f'"{field.column}"')
        if field.name in _TOLD:
            values.append(_TOLD[field.name])
            continue
        name = f"default_{field.name}"
        values.append(f"%({name})s")
        defaults[name] = field.get_db_prep_save(field.get_default(), connection)
    told = {"columns": ", ".join(columns), "values": ", ".join(values)}
    return _STATEMENT.format(**told), defaults
