"""Make one lead of two, in a way that can be undone to the last fact.

Both functions want the rows of the leads locked by the caller or lock them in the
order of their ids.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.models import (
    Fetch,
    Lead,
    LeadBlock,
    LeadFact,
    LeadKey,
    LeadMatching,
    LeadMerge,
    LeadPair,
    Posting,
)
from leads.models.lead import LEAD_FIELDS
from leads.refolding import refold


def absorb(lead: Lead, other: Lead, **why: Any) -> LeadMerge:
    """Merge `other` into `lead`: keys, facts and traces move, the row stays.

    `why` are the fields of the `LeadMerge` that records it. The caller holds the
    locks of both leads.
    """
    before = _values(lead)
    moved = {
        "keys": _move(LeadKey.objects.filter(lead=other), lead),
        "facts": _move(_facts_to_move(lead, other), lead),
        "postings": _move(Posting.objects.filter(lead=other), lead),
        "fetches": _move(Fetch.objects.filter(lead=other), lead),
    }
    # Leads that `other` had absorbed stay below it: touching their rows without
    # having locked them first would deadlock; `surviving_id` walks up.
    other.merged_into = lead
    other.save(update_fields=["merged_into", "updated_at"])
    refold(lead)
    _compare_again(lead, other)
    return LeadMerge.objects.create(
        lead=lead,
        absorbed=other,
        name=other.name,
        moved=moved | changes(before, _values(lead)),
        **why,
    )


def _facts_to_move(lead: Lead, other: Lead) -> QuerySet[LeadFact]:
    """Give the facts whose place is free; the others stay with the absorbed lead."""
    taken = LeadFact.objects.filter(
        lead=lead,
        field=OuterRef("field"),
        source=OuterRef("source"),
        url=OuterRef("url"),
    )
    return LeadFact.objects.filter(~Exists(taken), lead=other)


def _move(rows: QuerySet[Any], lead: Lead) -> list[int]:
    ids = list(rows.values_list("pk", flat=True))
    rows.model._default_manager.filter(pk__in=ids).update(lead=lead)
    return ids


def _values(lead: Lead) -> dict[str, Any]:
    return {field: getattr(lead, field) for field in LEAD_FIELDS}


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the fields that a merge changed, as they were before and after it."""
    names = [name for name in before if before[name] != after[name]]
    return {
        "before": {name: before[name] for name in names},
        "after": {name: after[name] for name in names},
    }


def undo_merge(merge: LeadMerge, *, user_id: int | None) -> None:
    """Make two leads of one again, and remember that they are not the same.

    What came to the lead after the merge stays with it. Raises InvalidInput for a
    merge that was undone, that joined a listing only, or below another merge.
    """
    with transaction.atomic():
        merge = LeadMerge.objects.select_for_update().get(pk=merge.pk)
        if merge.undone_at or merge.absorbed_id is None or not merge.moved:
            raise InvalidInput(
                "This merge can't be undone: it has been, or it joined a mere listing."
            )
        leads = {
            each.pk: each
            for each in Lead.objects.select_for_update()
            .filter(pk__in=[merge.lead_id, merge.absorbed_id])
            .order_by("pk")
        }
        lead, other = leads[merge.lead_id], leads[merge.absorbed_id]
        if other.merged_into_id != lead.pk:
            raise InvalidInput(f"{other} is not part of {lead} any more.")
        if lead.merged_into_id is not None:
            raise InvalidInput(
                f"{lead} was itself merged afterwards: undo that merge first."
            )
        _give_back(merge, lead, other)
        LeadMerge.objects.filter(pk=merge.pk).update(
            undone_at=timezone.now(), undone_by_id=user_id
        )
        keep_apart(lead.pk, other.pk, user_id=user_id)


def _give_back(merge: LeadMerge, lead: Lead, other: Lead) -> None:
    models: dict[str, Any] = {
        "keys": LeadKey,
        "facts": LeadFact,
        "postings": Posting,
        "fetches": Fetch,
    }
    for name, model in models.items():
        model.objects.filter(pk__in=merge.moved[name], lead=lead).update(lead=other)
    other.merged_into = None
    other.save(update_fields=["merged_into", "updated_at"])
    # A field that no fact of the lead speaks of any more gets back what it had.
    before, after = merge.moved["before"], merge.moved["after"]
    for field in LEAD_FIELDS:
        # A merge of earlier times knows nothing of fields that came later.
        if field in after and getattr(lead, field) == after[field]:
            setattr(lead, field, before[field])
    lead.save(update_fields=[*LEAD_FIELDS, "updated_at"])
    refold(lead)
    _compare_again(lead, other)


def _compare_again(*leads: Lead) -> None:
    """Forget what was compared: the next matching looks at those that are active."""
    LeadBlock.objects.filter(lead__in=leads).delete()
    LeadMatching.objects.filter(lead__in=leads).delete()


def keep_apart(one_id: int, other_id: int, *, user_id: int | None) -> None:
    """Remember for ever that two leads are not the same."""
    first, second = sorted((one_id, other_id))
    LeadPair.objects.update_or_create(
        one_id=first,
        other_id=second,
        defaults={
            "state": LeadPair.State.APART,
            "decided_by_id": user_id,
            "decided_at": timezone.now(),
        },
    )


def kept_apart(lead_ids: list[int]) -> set[frozenset[int]]:
    """Give the pairs among these leads that must not be merged."""
    pairs = LeadPair.objects.filter(
        state=LeadPair.State.APART, one_id__in=lead_ids, other_id__in=lead_ids
    )
    return {frozenset(pair) for pair in pairs.values_list("one_id", "other_id")}
