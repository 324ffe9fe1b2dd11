"""Compare new and changed leads with all others: merge, ask a person, or leave."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from leads.absorbing import kept_apart
from leads.bulk_absorbing import Joining, absorb_pairs
from leads.linking.collecting import without_collecting
from leads.linking.comparing import MATCH_BITS, REVIEW_BITS, Comparison, compare_likely
from leads.linking.profiles import COMPARED_FIELDS, Profile, make_profile
from leads.models import Lead, LeadPair
from leads.table_blocks import TableBlocks
from tasks.progressing import progress

#: Leads that are compared together.
_BATCH = 2_000
#: Profiles that a run keeps, so that its memory doesn't grow with the table.
_KEPT_PROFILES = 50_000
#: Seconds after which a run ends; the next one goes on.
_SHIFT_SECONDS = 240

#: What a large run writes or reads by ids. Until their statistics tell so, as after an
#: import, PostgreSQL reads whole tables for every batch.
_GROWING = (
    *("leads_lead", "leads_leadblock", "leads_leadmatching", "leads_leadpair"),
    *("leads_leadfact", "leads_leadkey", "leads_leadmerge"),
)
#: After so many batches they are gathered, in runs of more than the second number; what
#: is smaller is left to autovacuum.
_ANALYSED = (0, 2, 8, 32, 128, 512)

_Found = tuple[Comparison, int, int]
_Keys = Mapping[int, Sequence[str]]

#: A decided pair stays as it is; a lead that is gone is nobody's pair.
_ASK = """
INSERT INTO leads_leadpair (one_id, other_id, bits, reasons, state, created_at)
SELECT pair.one, pair.other, pair.bits, pair.reasons, 'open', now()
FROM jsonb_to_recordset(%s::jsonb)
    AS pair (one bigint, other bigint, bits float8, reasons jsonb)
JOIN leads_lead AS one ON one.id = pair.one AND one.merged_into_id IS NULL
JOIN leads_lead AS other ON other.id = pair.other AND other.merged_into_id IS NULL
ON CONFLICT (one_id, other_id) DO UPDATE
SET bits = EXCLUDED.bits, reasons = EXCLUDED.reasons
WHERE leads_leadpair.state = 'open'
RETURNING xmax = 0
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
    # Asked once: to find who waits is to read the whole table.
    waiting = list(_pending().order_by("pk").values_list("pk", flat=True))
    run, batches = _Run(report), 0
    is_large = len(waiting) > _ANALYSED[1] * _BATCH
    while waiting and time.monotonic() < until:
        if is_large and batches in _ANALYSED:
            _analyse()
        batches += 1
        ids, waiting = waiting[:_BATCH], waiting[_BATCH:]
        rows = _pending().filter(pk__in=ids).order_by("pk")
        read = rows.values_list("pk", "updated_at", *COMPARED_FIELDS)
        with without_collecting():
            # Who was merged is another lead now, and waits again behind the others.
            waiting += run.match(list(read))
        progress(report.compared, report.compared + len(waiting))
    report.waiting = len(waiting)
    return report


def _analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(_GROWING)}")


def _pending() -> Any:
    changed = ~Q(matching__seen_updated_at=F("updated_at"))
    return Lead.objects.active().filter(Q(matching__isnull=True) | changed)


class _Run:
    """What one run knows: profiles of leads, and which blocks are large."""

    def __init__(self, report: TableReport) -> None:
        self._report = report
        self._blocks = TableBlocks()
        #: Lead -> what is compared of it and as of when, the last used at the end.
        self._profiles: OrderedDict[int, tuple[Profile, datetime]] = OrderedDict()

    def match(self, rows: Sequence[tuple[Any, ...]]) -> list[int]:
        """Compare leads, as (id, `updated_at`, compared fields…), with all others.

        Gives those that took in another and wait to be compared again.
        """
        self._report.compared += len(rows)
        mine = {row[0]: self._read(row) for row in rows}
        changed = self._blocks.remember(
            {pk: profile for pk, (profile, _) in mine.items()},
            {pk: seen for pk, (_, seen) in mine.items()},
        )
        again = self._compare(mine, changed) if changed else []
        self._blocks.note_compared()
        return again

    def _compare(
        self, mine: Mapping[int, tuple[Profile, datetime]], changed: _Keys
    ) -> list[int]:
        shared = self._blocks.shared(changed)
        profiles = self._with_others(mine, shared.pairs)
        found = [
            (result, one, other)
            for one, other in shared.pairs
            if one in profiles and other in profiles
            and (result := compare_likely(
                profiles[one][0], profiles[other][0], shared.known,
                least_bits=REVIEW_BITS,
            ))
        ]  # fmt: skip
        _forget_unlikely(list(changed), {(one, other) for _, one, other in found})
        return self._decide(
            sorted(found, key=lambda each: (-each[0].bits, each[1:])), profiles
        )

    def _read(self, row: tuple[Any, ...]) -> tuple[Profile, datetime]:
        pk, seen, *values = row
        read = make_profile(dict(zip(COMPARED_FIELDS, values, strict=True))), seen
        self._profiles[pk] = read
        self._profiles.move_to_end(pk)
        return read

    def _with_others(
        self,
        mine: Mapping[int, tuple[Profile, datetime]],
        pairs: Iterable[tuple[int, int]],
    ) -> dict[int, tuple[Profile, datetime]]:
        """Add the profiles of those that the leads are compared with."""
        wanted = {pk for pair in pairs for pk in pair} - mine.keys()
        found = dict(mine)
        for pk in wanted & self._profiles.keys():
            found[pk] = self._profiles[pk]
            self._profiles.move_to_end(pk)
        missing = Lead.objects.active().filter(pk__in=wanted - found.keys())
        for row in missing.values_list("pk", "updated_at", *COMPARED_FIELDS):
            found[row[0]] = self._read(row)
        while len(self._profiles) > _KEPT_PROFILES:
            self._profiles.popitem(last=False)
        return found

    def _decide(
        self,
        found: Iterable[_Found],
        profiles: Mapping[int, tuple[Profile, datetime]],
    ) -> list[int]:
        """Merge the certain pairs, the likeliest first; keep the others for a person."""
        certain: list[_Found] = []
        doubtful: list[_Found] = []
        merged: set[int] = set()
        for each in found:
            result, one, other = each
            # After a merge the lead is another one: it is compared again in the next
            # batch, so that no chain of likenesses joins strangers.
            if merged & {one, other}:
                continue
            if result.bits >= MATCH_BITS:
                certain.append(each)
                merged |= {one, other}
            else:
                doubtful.append(each)
        again: list[int] = []
        if certain:
            again = _merge_if_still(certain, {pk: profiles[pk][1] for pk in merged})
            for pk in merged:
                self._profiles.pop(pk, None)
        if doubtful:
            self._report.doubtful += _ask(doubtful)
        self._report.merged += len(again)
        return again


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


def _merge_if_still(
    certain: Sequence[_Found], seen: Mapping[int, datetime]
) -> list[int]:
    """Merge pairs whose leads are, under their locks, still what was compared.

    Gives the leads that stayed. A lead that changed meanwhile waits for its next comparison anyway.
    """
    with transaction.atomic():
        leads = {
            lead.pk: lead
            for lead in Lead.objects.select_for_update(no_key=True)
            .filter(pk__in=seen, merged_into__isnull=True)
            .order_by("pk")
            if lead.updated_at == seen[lead.pk]
        }
        apart = kept_apart(list(leads))
        joinings = [
            Joining(leads[one], leads[other], result.reasons, result.bits)
            for result, one, other in certain
            if one in leads and other in leads and frozenset((one, other)) not in apart
        ]
        if joinings:
            absorb_pairs(joinings)
    return [each.lead.pk for each in joinings]


def _ask(doubtful: Sequence[_Found]) -> int:
    """Put pairs on the review list, unless they were decided; gives how many are new."""
    rows = [
        {"one": one, "other": other, "bits": result.bits, "reasons": result.reasons}
        for result, one, other in doubtful
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [json.dumps(rows)])
        return sum(is_new for (is_new,) in cursor.fetchall())
