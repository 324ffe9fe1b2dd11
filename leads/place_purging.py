"""Forget what Google said of places when its terms no longer allow to keep it.

The place's id stays, and with it the lead; whatever another source said stays too. A
later search asks for the details of such a place again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from leads.folding import Fact, fold
from leads.matching import MatchKey, match_keys
from leads.models import (
    Lead,
    LeadBlock,
    LeadFact,
    LeadKey,
    LeadMatching,
    LeadMerge,
    Posting,
)
from leads.sources.google_places import NAME

#: Leads per transaction.
_BATCH = 200
_NUMBERS = ("latitude", "longitude")


def forget_places(now: datetime) -> int:
    """Delete facts of Google's that are GOOGLE_PLACES_DAYS old; returns their number."""
    oldest = now - timedelta(days=settings.GOOGLE_PLACES_DAYS)
    old = LeadFact.objects.filter(source=NAME, fetched_at__lt=oldest)
    total = 0
    while ids := sorted(set(old.values_list("lead_id", flat=True)[: _BATCH * 15]))[
        :_BATCH
    ]:
        total += _forget(ids, oldest)
    Posting.objects.filter(source=NAME, expires_at__lt=now).update(
        state=Posting.State.NEW, expires_at=None, title="", place=""
    )
    LeadMerge.objects.filter(source=NAME, created_at__lt=oldest).exclude(
        name=""
    ).update(name="", key_value="")
    return total


def _forget(lead_ids: Sequence[int], oldest: datetime) -> int:
    with transaction.atomic():
        leads = list(
            Lead.objects.select_for_update(no_key=True)
            .filter(pk__in=lead_ids)
            .order_by("pk")
        )
        gone: dict[int, list[LeadFact]] = defaultdict(list)
        kept: dict[int, list[LeadFact]] = defaultdict(list)
        for fact in LeadFact.objects.filter(lead_id__in=lead_ids):
            is_old = fact.source == NAME and fact.fetched_at < oldest
            (gone if is_old else kept)[fact.lead_id].append(fact)
        facts = [fact.pk for each in gone.values() for fact in each]
        LeadFact.objects.filter(pk__in=facts).delete()
        _forget_keys(lead_ids, gone, kept)
        _forget_merges(lead_ids, gone)
        for lead in leads:
            _refold(lead, gone[lead.pk], kept[lead.pk])
        fields = sorted({fact.field for each in gone.values() for fact in each})
        Lead.objects.bulk_update(leads, [*fields, "name"])
        LeadBlock.objects.filter(lead_id__in=lead_ids).delete()
        LeadMatching.objects.filter(lead_id__in=lead_ids).delete()
        return len(facts)


def _refold(lead: Lead, gone: list[LeadFact], kept: list[LeadFact]) -> None:
    """Give the fields that Google spoke of what others say, else nothing."""
    said = _folded(kept)
    for field in {fact.field for fact in gone}:
        empty = None if field in _NUMBERS else ""
        setattr(lead, field, said.get(field, empty))
    if not lead.name:
        lead.name = f"Google Maps place {lead.pk}"


def _folded(facts: Iterable[LeadFact]) -> dict[str, Any]:
    return fold(
        Fact(fact.field, fact.value, fact.source, fact.fetched_at)
        for fact in facts
        if fact.value or fact.source == "person"
    )


def _forget_keys(
    lead_ids: Sequence[int],
    gone: dict[int, list[LeadFact]],
    kept: dict[int, list[LeadFact]],
) -> None:
    """Drop the keys made of Google's words alone; the place's id is a listing key."""
    lost = {
        (lead_id, *key)
        for lead_id in lead_ids
        for key in _keys(gone[lead_id]) - _keys(kept[lead_id])
    }
    rows = LeadKey.objects.filter(lead_id__in=lead_ids).values_list(
        "pk", "lead_id", "kind", "value"
    )
    LeadKey.objects.filter(
        pk__in=[pk for pk, *key in rows if tuple(key) in lost]
    ).delete()


def _keys(facts: list[LeadFact]) -> set[MatchKey]:
    """Give the keys of each page's record, and of the lead that they make together."""
    by_page: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for fact in facts:
        by_page[fact.source, fact.url][fact.field] = fact.value
    records: list[dict[str, Any]] = [*by_page.values(), _folded(facts)]
    return {key for values in records for key in match_keys(values)}


def _forget_merges(lead_ids: Sequence[int], gone: dict[int, list[LeadFact]]) -> None:
    """Take Google's values out of what undoing a merge would bring back."""
    said = {(fact.field, fact.value) for each in gone.values() for fact in each}
    merges = list(LeadMerge.objects.filter(lead_id__in=lead_ids).exclude(moved={}))
    for merge in merges:
        for when in ("before", "after"):
            values = merge.moved.get(when, {})
            for field, value in values.items():
                if (field, "" if value is None else str(value)) in said:
                    values[field] = None if field in _NUMBERS else ""
    LeadMerge.objects.bulk_update(merges, ["moved"])
