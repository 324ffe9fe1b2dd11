"""Store many records at once; the easy ones in a few statements for all of them.

A record whose keys nobody has becomes a new lead, one that is stored word for word
is known, those that belong to one lead join it together (`bulk_joining`). Whatever needs
thought, because several leads may be one, goes one by one through `merging`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import connection, transaction

from leads.bulk_joining import join_records
from leads.folding import Fact, fold
from leads.matching import MatchKey, match_keys
from leads.merging import (
    Kind,
    Stored,
    facts_of,
    lock_keys,
    store_record,
    without_erased,
)
from leads.models import Lead, LeadFact, LeadKey
from leads.records import LeadRecord

_FIND = """
SELECT key.kind, key.value, key.lead_id
FROM leads_leadkey AS key
JOIN unnest(%s::text[], %s::text[]) AS wanted (kind, value)
    ON key.kind = wanted.kind AND key.value = wanted.value
"""


def store_records(records: Sequence[LeadRecord]) -> list[Stored]:
    """Store records, each of which has a name; gives where each went, in their order."""
    records = without_erased(records)
    keys = [
        match_keys(each.known(), listing_key=each.listing_key, region=each.region)
        for each in records
    ]
    stored: dict[int, Stored] = {}
    with transaction.atomic():
        lock_keys({key for each in keys for key in each})
        owners = _owners(keys)
        stored |= _known(records, keys, owners)
        stored |= _create(records, keys, owners)
        waiting = _waiting(keys, owners, stored)
        if waiting:
            stored |= join_records(records, keys, owners, waiting)
    # After the commit: their rows are locked lead by lead, in `merging`'s own order.
    for index, record in enumerate(records):
        if index not in stored:
            stored[index] = store_record(record)
    return [stored[index] for index in range(len(records))]


def _waiting(
    keys: Sequence[Sequence[MatchKey]],
    owners: dict[MatchKey, int],
    stored: dict[int, Stored],
) -> list[int]:
    """Give the records that are still to be stored, in their order.

    What is known word for word is said again when another record of the same lead waits:
    both may speak for one page, and then the last one is believed.
    """
    left = (each for index, each in enumerate(keys) if index not in stored)
    touched = {owners[key] for each in left for key in each if key in owners}
    for index in [i for i, each in stored.items() if each.lead_id in touched]:
        del stored[index]
    return [index for index in range(len(keys)) if index not in stored]


def _owners(keys: Sequence[Sequence[MatchKey]]) -> dict[MatchKey, int]:
    wanted = list({key for each in keys for key in each})
    with connection.cursor() as cursor:
        cursor.execute(
            _FIND, [[key.kind for key in wanted], [key.value for key in wanted]]
        )
        return {MatchKey(kind, value): lead for kind, value, lead in cursor.fetchall()}


def _create(
    records: Sequence[LeadRecord],
    keys: Sequence[Sequence[MatchKey]],
    owners: dict[MatchKey, int],
) -> dict[int, Stored]:
    """Make leads of the records whose keys are free and not shared among them."""
    shared = Counter(key for each in keys for key in each)
    fresh = [
        index
        for index, each in enumerate(keys)
        if each and all(key not in owners and shared[key] == 1 for key in each)
    ]
    leads, facts = [], []
    for index in fresh:
        said = facts_of(records[index])
        leads.append(Lead(**_folded(said)))
        facts.append(said)
    leads = Lead.objects.bulk_create(leads)
    for lead, said in zip(leads, facts, strict=True):
        for fact in said:
            fact.lead = lead
    LeadFact.objects.bulk_create([fact for said in facts for fact in said])
    LeadKey.objects.bulk_create(
        [
            LeadKey(lead=lead, kind=key.kind, value=key.value)
            for lead, index in zip(leads, fresh, strict=True)
            for key in keys[index]
        ]
    )
    return {
        index: Stored(lead.pk, Kind.CREATED)
        for lead, index in zip(leads, fresh, strict=True)
    }


def _folded(facts: Sequence[LeadFact]) -> dict[str, str | float | None]:
    said = [
        Fact(fact.field, fact.value, fact.source, fact.fetched_at)
        for fact in facts
        if fact.value
    ]
    return fold(said)


def _known(
    records: Sequence[LeadRecord],
    keys: Sequence[Sequence[MatchKey]],
    owners: dict[MatchKey, int],
) -> dict[int, Stored]:
    """Pick the records that are stored word for word: all keys one lead's, all facts there."""
    candidates: dict[int, int] = {}
    for index, each in enumerate(keys):
        found = {owners.get(key) for key in each}
        lead_id = next(iter(found), None)
        if len(found) == 1 and lead_id is not None:
            candidates[index] = lead_id
    rows = LeadFact.objects.filter(lead_id__in=set(candidates.values())).values_list(
        "lead_id", "field", "source", "url", "value"
    )
    there = set(rows)
    return {
        index: Stored(lead_id, Kind.KNOWN)
        for index, lead_id in candidates.items()
        if all(
            (lead_id, fact.field, fact.source, fact.url, fact.value) in there
            for fact in facts_of(records[index])
        )
    }
