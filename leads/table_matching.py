"""Compare new and changed leads with all others: merge, ask a person, or leave."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from leads.absorbing import kept_apart
from leads.linking.blocking import table_keys
from leads.linking.comparing import MATCH_BITS, REVIEW_BITS, Comparison, compare_likely
from leads.linking.profiles import Profile, make_profile
from leads.linking.weighing import Frequencies
from leads.models import Lead, LeadBlock, LeadMatching, LeadPair
from leads.reviewing import join, lock_pair
from tasks.progressing import progress

#: Leads that are compared together.
_BATCH = 300
#: A block of more leads than this tells nothing by itself.
_LARGE_BLOCK = 60
#: Seconds after which a run ends; the next one goes on.
_SHIFT_SECONDS = 240

_CANDIDATES = """
SELECT DISTINCT mine.lead_id, theirs.lead_id
FROM leads_leadblock AS mine
JOIN leads_leadblock AS theirs ON theirs.key = mine.key AND theirs.lead_id <> mine.lead_id
WHERE mine.lead_id = ANY(%s) AND mine.key <> ALL(%s)
"""


@dataclass
class TableReport:
    """What a run did."""

    compared: int = 0
    merged: int = 0
    doubtful: int = 0
    #: Leads that still wait to be compared.
    waiting: int = 0

    def as_json(self) -> dict[str, int]:
        """Give the counts."""
        return asdict(self)


def match_leads(*, seconds: float = _SHIFT_SECONDS) -> TableReport:
    """Compare every new or changed lead, for so long at most; the next run goes on."""
    report, until = TableReport(), time.monotonic() + seconds
    total = _pending().count()
    while time.monotonic() < until:
        leads = list(_pending().order_by("pk")[:_BATCH])
        if not leads:
            break
        _match_batch(leads, report)
        progress(report.compared, max(total, report.compared))
    report.waiting = _pending().count()
    return report


def _pending() -> Any:
    changed = ~Q(matching__seen_updated_at=F("updated_at"))
    return Lead.objects.active().filter(Q(matching__isnull=True) | changed)


def _match_batch(leads: list[Lead], report: TableReport) -> None:
    report.compared += len(leads)
    profiles = {lead.pk: make_profile(lead.as_facts()) for lead in leads}
    changed = _remember(leads, profiles)
    if not changed:
        return
    sizes = _block_sizes(changed)
    large = [key for key, size in sizes.items() if size > _LARGE_BLOCK]
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, [changed, large])
        pairs = {(min(row), max(row)) for row in cursor.fetchall()}
    others = {pk for pair in pairs for pk in pair} - profiles.keys()
    for lead in Lead.objects.active().filter(pk__in=others).iterator(1_000):
        profiles[lead.pk] = make_profile(lead.as_facts())
    known = _frequencies(sizes)
    found = [
        (result, one, other)
        for one, other in pairs
        if one in profiles and other in profiles
        and (result := compare_likely(
            profiles[one], profiles[other], known, least_bits=REVIEW_BITS
        ))
    ]  # fmt: skip
    _forget_unlikely(changed, {(one, other) for _, one, other in found})
    _decide(sorted(found, key=lambda each: (-each[0].bits, each[1:])), known, report)


def _forget_unlikely(changed: list[int], likely: set[tuple[int, int]]) -> None:
    """Take pairs off the review list whose leads have become unlike."""
    pairs = LeadPair.objects.filter(
        Q(one_id__in=changed) | Q(other_id__in=changed), state=LeadPair.State.OPEN
    )
    gone = [
        pk
        for pk, one, other in pairs.values_list("pk", "one_id", "other_id")
        if (one, other) not in likely
    ]
    LeadPair.objects.filter(pk__in=gone, state=LeadPair.State.OPEN).delete()


def _remember(leads: list[Lead], profiles: Mapping[int, Profile]) -> list[int]:
    """Store the blocks of leads that changed in what is compared; gives their ids."""
    prints = {
        pk: hashlib.sha256(repr(profile).encode()).hexdigest()
        for pk, profile in profiles.items()
    }
    known = dict(
        LeadMatching.objects.filter(pk__in=prints).values_list("pk", "fingerprint")
    )
    changed = [pk for pk, value in prints.items() if known.get(pk) != value]
    with transaction.atomic():
        LeadBlock.objects.filter(lead_id__in=changed).delete()
        LeadBlock.objects.bulk_create(
            LeadBlock(lead_id=pk, key=key)
            for pk in changed
            for key in table_keys(profiles[pk])
        )
        LeadMatching.objects.bulk_create(
            [
                LeadMatching(
                    lead_id=lead.pk,
                    seen_updated_at=lead.updated_at,
                    fingerprint=prints[lead.pk],
                )
                for lead in leads
            ],
            update_conflicts=True,
            unique_fields=["lead"],
            update_fields=["seen_updated_at", "fingerprint"],
        )
    return changed


def _block_sizes(lead_ids: list[int]) -> dict[str, int]:
    """Count the leads in each block of these leads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, count(*) FROM leads_leadblock WHERE key IN"
            " (SELECT key FROM leads_leadblock WHERE lead_id = ANY(%s)) GROUP BY key",
            [lead_ids],
        )
        return dict(cursor.fetchall())


def _frequencies(sizes: Mapping[str, int]) -> Frequencies:
    """Tell what is rare by the sizes of blocks."""
    words = {key[2:]: size for key, size in sizes.items() if key.startswith("t:")}
    return Frequencies(
        records=LeadMatching.objects.count(),
        words=Counter({word: size for word, size in words.items() if "|" not in word}),
        holders={key: size for key, size in sizes.items() if key[0] in "pnwe"},
    )


def _decide(
    found: Iterable[tuple[Comparison, int, int]],
    known: Frequencies,
    report: TableReport,
) -> None:
    """Merge the certain pairs, the likeliest first, and keep the others for a person."""
    merged: set[int] = set()
    for result, one, other in found:
        # After a merge the lead is another one: it is compared again in the next
        # batch, so that no chain of likenesses joins strangers.
        if merged & {one, other}:
            continue
        if result.bits >= MATCH_BITS and _merge_if_still(one, other, known):
            merged |= {one, other}
            report.merged += 1
        else:
            report.doubtful += _ask(one, other, result)


def _merge_if_still(one_id: int, other_id: int, known: Frequencies) -> bool:
    """Merge two leads if they are, under their locks, still to be merged."""
    with transaction.atomic():
        leads = lock_pair(one_id, other_id)
        if leads is None or kept_apart([one_id, other_id]):
            return False
        lead, other = leads
        result = compare_likely(
            make_profile(lead.as_facts()),
            make_profile(other.as_facts()),
            known,
            least_bits=MATCH_BITS,
        )
        if result is None:
            return False
        join(lead, other, result.reasons, result.bits)
        return True


def _ask(one: int, other: int, result: Comparison) -> int:
    """Put a pair on the review list, unless it was decided; 1 if it is new there."""
    pair, is_new = LeadPair.objects.get_or_create(
        one_id=one,
        other_id=other,
        defaults={"bits": result.bits, "reasons": list(result.reasons)},
    )
    if not is_new and pair.state == LeadPair.State.OPEN:
        LeadPair.objects.filter(pk=pair.pk, state=LeadPair.State.OPEN).update(
            bits=result.bits, reasons=list(result.reasons)
        )
    return int(is_new)
