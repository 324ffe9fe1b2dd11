"""Store many records that join leads, in a few statements for all of them.

Records that share keys form groups. A group that has one lead, or none yet, is simulated
record by record and then written at once; the rows are those that `merging` would leave.
A group that shows several leads to be one needs thought and is left to `merging`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from leads.matching import MatchKey
from leads.merging import Kind, Stored, facts_of
from leads.models import Lead, LeadFact, LeadKey, LeadMerge
from leads.records import LeadRecord
from leads.refolding import refold_all

_Owners = Mapping[MatchKey, int]


@dataclass
class _Group:
    """Records, in their order, that are one business."""

    indexes: list[int]
    #: The lead that has some of their keys; None until it's made.
    lead_id: int | None
    keys: set[MatchKey] = field(default_factory=set)
    #: Sources and addresses that have said something of the lead.
    told: set[tuple[str, str]] = field(default_factory=set)
    facts: dict[tuple[str, str, str], LeadFact] = field(default_factory=dict)
    kinds: list[Kind] = field(default_factory=list)
    merges: list[LeadMerge] = field(default_factory=list)

    def take(self, record: LeadRecord, keys: Sequence[MatchKey]) -> bool:
        """Let a record join; false when nothing yet shows that it belongs here."""
        shared = sorted(self.keys.intersection(keys))
        if not shared and (self.keys or not _is_named(record)):
            return False
        if not shared:
            self.kinds.append(Kind.CREATED)
        elif (record.source, record.url[:1000]) in self.told or any(
            key.kind == LeadKey.Kind.LISTING for key in shared
        ):
            self.kinds.append(Kind.KNOWN)
        else:
            self.kinds.append(Kind.MERGED)
            self.merges.append(_merge(record, shared[0]))
        self.keys.update(keys)
        for fact in facts_of(record):
            self.told.add((fact.source, fact.url))
            # The last one to speak for a page is believed.
            self.facts[fact.field, fact.source, fact.url] = fact
        return True


def join_records(
    records: Sequence[LeadRecord],
    keys: Sequence[Sequence[MatchKey]],
    owners: _Owners,
    waiting: Sequence[int],
) -> dict[int, Stored]:
    """Store those of the `waiting` records that join one lead or begin one.

    Must run in a transaction that holds the locks of all keys. Records that are not in
    the result need `merging`.
    """
    groups = [
        _Group(indexes, next(iter(found), None))
        for indexes, found in _connected(keys, owners, waiting)
        if len(found) <= 1
    ]
    groups = _with_leads(groups)
    for group in groups:
        if group.lead_id is not None:
            found = (key for index in group.indexes for key in keys[index])
            group.keys = {key for key in found if key in owners}
    taken = [
        group
        for group in groups
        if all(group.take(records[index], keys[index]) for index in group.indexes)
    ]
    if taken:
        _write(taken)
    return {
        index: Stored(group.lead_id or 0, kind)
        for group in taken
        for index, kind in zip(group.indexes, group.kinds, strict=True)
    }


def _is_named(record: LeadRecord) -> bool:
    return bool(str(record.known().get("name", "")).strip() or record.fallback_name)


def _merge(record: LeadRecord, key: MatchKey) -> LeadMerge:
    return LeadMerge(
        name=str(record.known().get("name") or record.fallback_name)[:200],
        source=record.source,
        url=record.url[:1000],
        key_kind=key.kind,
        key_value=key.value,
    )


def _connected(
    keys: Sequence[Sequence[MatchKey]], owners: _Owners, waiting: Sequence[int]
) -> Iterator[tuple[list[int], set[int]]]:
    """Give groups of records that share keys or leads, with the leads they belong to."""
    parents: dict[object, object] = {}

    def root(node: object) -> object:
        while (parent := parents.setdefault(node, node)) != node:
            parents[node] = parents[parent]
            node = parent
        return node

    for index in waiting:
        for key in keys[index]:
            parents[root(key)] = root(index)
            if key in owners:
                parents[root(("lead", owners[key]))] = root(index)
    groups: dict[object, list[int]] = defaultdict(list)
    for index in waiting:
        if keys[index]:
            groups[root(index)].append(index)
    for indexes in groups.values():
        found = {owners[key] for i in indexes for key in keys[i] if key in owners}
        yield indexes, found


def _with_leads(groups: list[_Group]) -> list[_Group]:
    """Lock the groups' leads and learn what has been said of them.

    All locks are taken in one statement and in one order, after the keys', as `merging`
    does. A lead that another worker has merged away meanwhile leaves its group out.
    """
    wanted = [group.lead_id for group in groups if group.lead_id is not None]
    active = set(
        Lead.objects.select_for_update(no_key=True)
        .filter(pk__in=wanted, merged_into__isnull=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    kept = [each for each in groups if each.lead_id is None or each.lead_id in active]
    told: dict[int, set[tuple[str, str]]] = defaultdict(set)
    rows = LeadFact.objects.filter(lead_id__in=active).order_by().distinct()
    for lead_id, source, url in rows.values_list("lead_id", "source", "url"):
        told[lead_id].add((source, url))
    for group in kept:
        if group.lead_id is not None:
            group.told = told[group.lead_id]
    return kept


def _write(groups: list[_Group]) -> None:
    new = [group for group in groups if group.lead_id is None]
    made = Lead.objects.bulk_create([Lead(name=_first_name(each)) for each in new])
    for group, lead in zip(new, made, strict=True):
        group.lead_id = lead.pk
    by_lead = {group.lead_id: group for group in groups if group.lead_id is not None}
    LeadKey.objects.bulk_create(
        [
            LeadKey(lead_id=lead_id, kind=key.kind, value=key.value)
            for lead_id, group in by_lead.items()
            for key in group.keys
        ],
        ignore_conflicts=True,
    )
    for lead_id, group in by_lead.items():
        for fact in group.facts.values():
            fact.lead_id = lead_id
        for merge in group.merges:
            merge.lead_id = lead_id
    LeadFact.objects.bulk_create(
        [fact for group in groups for fact in group.facts.values()],
        update_conflicts=True,
        unique_fields=["lead", "field", "source", "url"],
        update_fields=["value", "fetched_at", "fetch"],
    )
    _write_merges([merge for group in groups for merge in group.merges])
    refold_all(list(by_lead))


def _first_name(group: _Group) -> str:
    named = (fact.value for fact in group.facts.values() if fact.field == "name")
    return next(named, "")[:200]


def _write_merges(merges: list[LeadMerge]) -> None:
    """Write each joining once: who is merged again by the same page has its row."""
    known = set(
        LeadMerge.objects.filter(
            lead_id__in={merge.lead_id for merge in merges}, absorbed=None
        ).values_list("lead_id", "name", "source", "url")
    )
    fresh: dict[tuple[int, str, str, str], LeadMerge] = {}
    for merge in merges:
        fresh.setdefault((merge.lead_id, merge.name, merge.source, merge.url), merge)
    LeadMerge.objects.bulk_create(
        merge for origin, merge in fresh.items() if origin not in known
    )
