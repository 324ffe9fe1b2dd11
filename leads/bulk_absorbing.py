"""Merge many pairs of leads at once, in a few statements for all of them.

The rows are those that `absorbing` and `reviewing.join` would leave, so each merge can be
undone by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from leads.absorbing import changes
from leads.models import (
    Lead,
    LeadBlock,
    LeadKey,
    LeadMatching,
    LeadMerge,
    LeadPair,
)
from leads.refolding import refold_all

_PAIRS = "unnest(%s::bigint[], %s::bigint[]) AS pair (lead, other)"
_MOVE = (  # Made of our own names only, as is what follows.
    "UPDATE {table} AS moved SET lead_id = pair.lead FROM "  # noqa: S608
    + _PAIRS
    + " WHERE moved.lead_id = pair.other{only} RETURNING pair.other, moved.id"
)
#: Facts whose place is taken stay with the absorbed lead.
_FREE = (
    " AND NOT EXISTS (SELECT FROM leads_leadfact AS taken WHERE taken.lead_id = pair.lead"
    " AND (taken.field, taken.source, taken.url)"
    " = (moved.field, moved.source, moved.url))"
)
_MOVED = {
    "keys": _MOVE.format(table="leads_leadkey", only=""),
    "facts": _MOVE.format(table="leads_leadfact", only=_FREE),
    "postings": _MOVE.format(table="leads_posting", only=""),
    "fetches": _MOVE.format(table="leads_fetch", only=""),
}
#: All that is asked here is asked by ids. Before a table's first ANALYZE, as after a large
#: import, PostgreSQL would rather read the whole of it for every batch.
_BY_INDEX = """
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off
"""
_JOIN = (
    "UPDATE leads_lead AS gone SET merged_into_id = pair.lead, updated_at = %s FROM "  # noqa: S608
    + _PAIRS
    + " WHERE gone.id = pair.other"
)


class Joining(NamedTuple):
    """Two leads that are one: the second goes into the first, which has the smaller id."""

    lead: Lead
    other: Lead
    reasons: tuple[str, ...]
    bits: float


def absorb_pairs(joinings: Sequence[Joining]) -> None:
    """Merge pairs of leads because they are alike; no lead may stand in two of them.

    Must run in a transaction that holds the locks of all these leads.
    """
    ids = [each.lead.pk for each in joinings], [each.other.pk for each in joinings]
    before = {each.lead.pk: each.lead.as_facts() for each in joinings}
    moved: dict[int, dict[str, list[int]]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        for name, statement in _MOVED.items():
            cursor.execute(statement, ids)
            for other, row in cursor.fetchall():
                moved[other].setdefault(name, []).append(row)
        cursor.execute(_JOIN, [timezone.now(), *ids])
    given = refold_all(ids[0])
    both = ids[0] + ids[1]
    LeadBlock.objects.filter(lead_id__in=both).delete()
    LeadMatching.objects.filter(lead_id__in=both).delete()
    LeadMerge.objects.bulk_create(
        _record(
            each,
            dict.fromkeys(_MOVED, ()) | moved[each.other.pk],
            before[each.lead.pk],
            given[each.lead.pk],
        )
        for each in joinings
    )
    _settle(joinings, ids[1])


def _record(
    joining: Joining,
    moved: dict[str, Any],
    before: dict[str, Any],
    given: dict[str, Any],
) -> LeadMerge:
    return LeadMerge(
        lead=joining.lead,
        absorbed=joining.other,
        name=joining.other.name,
        key_kind=LeadKey.Kind.LIKENESS,
        key_value=", ".join(joining.reasons)[:400],
        source="matching",
        url="",
        moved=moved | changes(before, before | given),
    )


def _settle(joinings: Sequence[Joining], gone: list[int]) -> None:
    """Note the pairs as merged and forget the open ones of the leads that are gone."""
    now = timezone.now()
    LeadPair.objects.bulk_create(
        [
            LeadPair(
                one=each.lead,
                other=each.other,
                bits=each.bits,
                reasons=list(each.reasons),
                state=LeadPair.State.MERGED,
                decided_at=now,
            )
            for each in joinings
        ],
        update_conflicts=True,
        unique_fields=["one", "other"],
        update_fields=["bits", "reasons", "state", "decided_at"],
    )
    LeadPair.objects.filter(
        Q(one__in=gone) | Q(other__in=gone), state=LeadPair.State.OPEN
    ).delete()
