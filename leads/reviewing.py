"""Decide about two leads that may be one: merge them, or keep them apart for ever."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.absorbing import absorb, keep_apart
from leads.models import Lead, LeadKey, LeadPair


def lock_pair(one_id: int, other_id: int) -> tuple[Lead, Lead] | None:
    """Lock two active leads in the order of their ids; None if one is active no more."""
    leads = list(
        Lead.objects.select_for_update(no_key=True)
        .filter(pk__in=[one_id, other_id], merged_into__isnull=True)
        .order_by("pk")
    )
    return (leads[0], leads[1]) if len(leads) == 2 else None


def join(lead: Lead, other: Lead, reasons: Iterable[str], bits: float) -> None:
    """Merge the second of two locked leads into the first, because they are alike."""
    absorb(
        lead,
        other,
        key_kind=LeadKey.Kind.LIKENESS,
        key_value=", ".join(reasons)[:400],
        source="matching",
        url="",
    )
    LeadPair.objects.update_or_create(
        one=lead,
        other=other,
        defaults={
            "bits": bits,
            "reasons": list(reasons),
            "state": LeadPair.State.MERGED,
            "decided_at": timezone.now(),
        },
    )
    # Pairs of the lead that is gone are compared again through the one that stays.
    LeadPair.objects.filter(
        Q(one=other) | Q(other=other), state=LeadPair.State.OPEN
    ).delete()


def merge_pair(pair: LeadPair, *, user_id: int | None) -> None:
    """Merge a pair as a person decided. Raises InvalidInput when it can't be (any more)."""
    with transaction.atomic():
        leads = lock_pair(pair.one_id, pair.other_id)
        if leads is None:
            raise InvalidInput("One of the two was merged meanwhile: look at it again.")
        join(*leads, pair.reasons, pair.bits)
        LeadPair.objects.filter(pk=pair.pk).update(decided_by_id=user_id)


def part_pair(pair: LeadPair, *, user_id: int | None) -> None:
    """Keep a pair apart for ever, as a person decided.

    Raises InvalidInput when it is merged: then the merge has to be undone.
    """
    if LeadPair.objects.get(pk=pair.pk).state == LeadPair.State.MERGED:
        raise InvalidInput("These two are merged: undo the merge on the lead's page.")
    keep_apart(pair.one_id, pair.other_id, user_id=user_id)
