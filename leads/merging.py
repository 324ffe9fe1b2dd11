"""Store what a source found: one business is one lead, whoever finds it when.

Keys that identify a business (`LeadKey`) are locked before they are looked up, so two
workers that bring the same business at the same moment make one lead. The unique
constraint on keys stands behind the locks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.absorbing import absorb, kept_apart
from leads.contacts import to_e164
from leads.folding import FALLBACK
from leads.matching import MatchKey, match_keys, tidy_url
from leads.models import Lead, LeadFact, LeadKey, LeadMerge
from leads.models.lead import LEAD_FIELDS
from leads.records import LeadRecord
from leads.refolding import refold
from leads.suppression import erased_addresses


class Kind(StrEnum):
    """What storing a record did."""

    CREATED = "created"
    #: The business was known from elsewhere; now this source vouches for it too.
    MERGED = "merged"
    #: The same listing or page had brought it before.
    KNOWN = "known"


class Stored(NamedTuple):
    """Where a record went."""

    lead_id: int
    kind: Kind


def store_record(record: LeadRecord, *, lead_id: int | None = None) -> Stored:
    """Store a record as a new lead, or as part of the one it belongs to.

    `lead_id` names the lead that the record is about; its keys may still show that
    another lead is the same business, and then both become one. Storing a record
    again changes nothing. Raises InvalidInput for a record without a name.
    """
    record = without_erased([record])[0]
    keys = match_keys(
        record.known(), listing_key=record.listing_key, region=record.region
    )
    with transaction.atomic():
        lock_keys(keys)
        found = _lock_leads(keys, lead_id)
        if not found:
            lead, kind = _create(record), Kind.CREATED
        else:
            lead = found[0]
            is_named = lead_id is not None and surviving_id(lead_id) == lead.pk
            kind = Kind.KNOWN if is_named else _kind(record, keys, lead)
            _absorb_all(lead, found[1:], keys, record)
        _add_keys(lead, keys)
        _add_facts(lead, record)
        refold(lead)
        return Stored(lead.pk, kind)


def without_erased(records: Sequence[LeadRecord]) -> list[LeadRecord]:
    """Leave out the addresses of people who asked to be forgotten."""
    addresses = {str(each.values.get("email") or "") for each in records} - {""}
    erased = erased_addresses(addresses) if addresses else set()
    return [
        replace(each, values={**each.values, "email": ""})
        if each.values.get("email") in erased
        else each
        for each in records
    ]


def lock_keys(keys: Iterable[MatchKey]) -> None:
    """Lock keys, existing or not, until the transaction ends, in one order."""
    numbers = sorted(
        int.from_bytes(
            hashlib.sha256(f"{key.kind}\0{key.value}".encode()).digest()[:8],
            signed=True,
        )
        for key in keys
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(number) FROM unnest(%s::bigint[]) AS number",
            [numbers],
        )


def _absorb_all(
    lead: Lead, others: list[Lead], keys: list[MatchKey], record: LeadRecord
) -> None:
    """Merge what the record shows to be one, except what a person kept apart."""
    apart = kept_apart([lead.pk, *(other.pk for other in others)]) if others else set()
    joined = {lead.pk}
    for other in others:
        if any(frozenset((other.pk, each)) in apart for each in joined):
            continue
        joined.add(other.pk)
        key = _shared_key(keys, other)
        absorb(
            lead,
            other,
            source=record.source,
            url=record.url[:1000],
            key_kind=key.kind if key else LeadKey.Kind.WEBSITE,
            key_value=key.value if key else "",
        )


def _lock_leads(keys: list[MatchKey], lead_id: int | None) -> list[Lead]:
    """Lock the leads that the keys belong to, the oldest first."""
    while True:
        wanted = set(_with_keys(keys).values_list("lead_id", flat=True))
        if lead_id is not None:
            wanted.add(surviving_id(lead_id))
        # Row locks are taken in one statement and in one order, or given back: a
        # second helping on top of the first would deadlock with another merge.
        before = transaction.savepoint()
        locked = list(
            Lead.objects.select_for_update(no_key=True)
            .filter(pk__in=wanted)
            .order_by("pk")
        )
        # Another worker may have merged one of them while we waited for its lock.
        if all(lead.merged_into_id is None for lead in locked):
            transaction.savepoint_commit(before)
            return locked
        transaction.savepoint_rollback(before)


def _with_keys(keys: Iterable[MatchKey]) -> QuerySet[LeadKey]:
    query = Q(pk__in=[])
    for key in keys:
        query |= Q(kind=key.kind, value=key.value)
    return LeadKey.objects.filter(query)


def surviving_id(lead_id: int) -> int:
    """Give the lead that stands for this one after merges. Raises InvalidInput."""
    lead = Lead.objects.filter(pk=lead_id).first()
    if lead is None:
        raise InvalidInput(f"There is no lead {lead_id}: it may have been deleted.")
    # Chains are as short as the times that merged leads were merged again.
    while lead.merged_into is not None:
        lead = lead.merged_into
    return lead.pk


def _create(record: LeadRecord) -> Lead:
    name = str(record.known().get("name", "")).strip() or record.fallback_name
    if not name:
        raise InvalidInput(
            f"The business at {record.url or record.source} has no name: give it one."
        )
    return Lead.objects.create(name=name[:200])


def _kind(record: LeadRecord, keys: list[MatchKey], lead: Lead) -> Kind:
    """Tell a first joining from a repetition, and record the first."""
    by_listing = LeadKey.Kind.LISTING
    if LeadFact.objects.filter(
        lead=lead, source=record.source, url=record.url
    ).exists() or (
        _with_keys(key for key in keys if key.kind == by_listing)
        .filter(lead=lead)
        .exists()
    ):
        return Kind.KNOWN
    key = _shared_key(keys, lead)
    assert key is not None, "the lead was found by one of these keys"
    LeadMerge.objects.get_or_create(
        lead=lead,
        name=str(record.known().get("name") or record.fallback_name)[:200],
        source=record.source,
        url=record.url[:1000],
        absorbed=None,
        defaults={"key_kind": key.kind, "key_value": key.value},
    )
    return Kind.MERGED


def _shared_key(keys: list[MatchKey], lead: Lead) -> MatchKey | None:
    row = _with_keys(keys).filter(lead=lead).order_by("kind").first()
    return MatchKey(row.kind, row.value) if row else None


def _add_keys(lead: Lead, keys: Iterable[MatchKey]) -> None:
    # All of them are free or ours: we hold their locks and the leads behind them.
    LeadKey.objects.bulk_create(
        [LeadKey(lead=lead, kind=key.kind, value=key.value) for key in keys],
        ignore_conflicts=True,
    )


def _add_facts(lead: Lead, record: LeadRecord) -> None:
    facts = facts_of(record)
    for fact in facts:
        fact.lead = lead
    LeadFact.objects.bulk_create(
        facts,
        update_conflicts=True,
        unique_fields=["lead", "field", "source", "url"],
        update_fields=["value", "fetched_at", "fetch"],
    )


def facts_of(record: LeadRecord) -> list[LeadFact]:
    """Give what a record says as facts, not saved and without a lead yet."""
    values = [
        (field, _stored_value(field, value, record.region), record.source)
        for field, value in record.known().items()
        if field in LEAD_FIELDS
    ]
    if record.fallback_name:
        values.append(("name", record.fallback_name[:200], FALLBACK))
    return [
        LeadFact(
            field=field,
            value=value,
            source=source,
            url=record.url[:1000],
            fetched_at=record.fetched_at,
            fetch_id=record.fetch_id,
        )
        for field, value, source in values
    ]


def _stored_value(field: str, value: str | float, region: str) -> str:
    text = str(value).replace("\x00", "").strip()
    if field == "website":
        return tidy_url(text)[:500]
    if field == "phone":
        return to_e164(text, region=region) or ""
    length = getattr(Lead._meta.get_field(field), "max_length", None)
    return text[:length] if length else text


def store_person_edit(lead: Lead, fields: Iterable[str]) -> None:
    """Keep what a person typed into these fields; no source overwrites it later.

    The new values count as keys too, so a lead may turn out to be another one.
    """
    now = timezone.now()
    values = {field: getattr(lead, field) for field in fields if field in LEAD_FIELDS}
    for field, value in values.items():
        text = "" if value is None else str(value)
        LeadFact.objects.update_or_create(
            lead=lead,
            field=field,
            source="person",
            url="",
            defaults={"value": text, "fetched_at": now},
        )
    store_record(LeadRecord(values, "person", "", now), lead_id=lead.pk)
