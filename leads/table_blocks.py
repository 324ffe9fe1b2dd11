"""The blocks of all leads as rows: what a lead shares with others, and with how many."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from leads.linking.blocking import table_keys
from leads.linking.profiles import Profile
from leads.linking.weighing import Frequencies
from leads.models import LeadBlock, LeadMatching

#: A block of more leads than this tells nothing by itself.
_LARGE_BLOCK = 12
_ADD = "COPY leads_leadblock (lead_id, key) FROM STDIN"
#: Number of the lock under which blocks are written: of two runs at once, one waits.
_WRITERS = 0x6C6561642D626C6F
#: A lead that was deleted or merged meanwhile is left out; the others can't be deleted.
_STILL = """
SELECT id FROM leads_lead WHERE id = ANY(%s) AND merged_into_id IS NULL
ORDER BY id FOR KEY SHARE
"""
#: A lead that is another one by now, as after a merge, waits to be compared as it is.
_COMPARED = """
INSERT INTO leads_leadmatching (lead_id, seen_updated_at, fingerprint)
SELECT told.* FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[])
    AS told (lead, seen, fingerprint)
JOIN leads_lead ON leads_lead.id = told.lead AND merged_into_id IS NULL
    AND leads_lead.updated_at = told.seen
ORDER BY told.lead
ON CONFLICT (lead_id) DO UPDATE
SET seen_updated_at = EXCLUDED.seen_updated_at, fingerprint = EXCLUDED.fingerprint
"""
#: Members are told of blocks that are worth walking only.
_MEMBERS = """
SELECT key, count(*), CASE WHEN count(*) <= %s THEN array_agg(lead_id) END
FROM leads_leadblock WHERE key = ANY(%s) GROUP BY key HAVING count(*) > 1
"""
#: Kinds of keys that many may hold (`leads.linking.weighing.frequency_keys`).
_HELD = "pnwe"


@dataclass
class Shared:
    """What some leads share with others."""

    #: Pairs of leads that are worth comparing, the smaller id first.
    pairs: set[tuple[int, int]] = field(default_factory=set)
    known: Frequencies = field(default_factory=Frequencies)


class TableBlocks:
    """Stores and asks the blocks for one run, during which large ones are counted along."""

    def __init__(self) -> None:
        self._leads = LeadMatching.objects.count()
        #: Blocks too large to be walked: they are counted once, and then with what comes.
        self._large: dict[str, int] = {}
        #: The last batch: lead, as of when it was read, and a hash of what is compared.
        self._stored: list[tuple[int, datetime, str]] = []

    def remember(
        self, profiles: Mapping[int, Profile], seen: Mapping[int, datetime]
    ) -> dict[int, list[str]]:
        """Store the blocks of leads that changed in what is compared; gives their keys.

        `seen` says as of when each lead was read.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITERS])
            cursor.execute(_STILL, [list(profiles)])
            ids = [pk for (pk,) in cursor.fetchall()]
            prints = {
                pk: hashlib.sha256(repr(profiles[pk]).encode()).hexdigest()
                for pk in ids
            }
            rows = LeadMatching.objects.filter(pk__in=ids)
            before = dict(rows.values_list("pk", "fingerprint"))
            changed = {
                pk: table_keys(profiles[pk])
                for pk in ids
                if before.get(pk) != prints[pk]
            }
            self._leads += len(prints.keys() - before.keys())
            # Who died before they were compared may have left some of new leads too.
            LeadBlock.objects.filter(lead_id__in=changed).delete()
            # The index likes neighbours together.
            blocks = sorted((key, pk) for pk, keys in changed.items() for key in keys)
            with cursor.copy(_ADD) as copy:
                for key, pk in blocks:
                    copy.write_row((pk, key))
        self._stored = [(pk, seen[pk], prints[pk]) for pk in ids]
        return changed

    def note_compared(self) -> None:
        """Note that the leads whose blocks were stored last have been compared.

        At the end of a batch: whoever is killed before compares them again.
        """
        columns = [list(column) for column in zip(*self._stored, strict=True)]
        if columns:
            with connection.cursor() as cursor:
                cursor.execute(_COMPARED, columns)

    def shared(self, changed: Mapping[int, Sequence[str]]) -> Shared:
        """Find what these leads, whose blocks are stored, share with all others."""
        mine = Counter(key for keys in changed.values() for key in keys)
        for key in mine.keys() & self._large.keys():
            self._large[key] += mine[key]
        sizes = {key: self._large[key] for key in mine.keys() & self._large.keys()}
        found = Shared()
        with connection.cursor() as cursor:
            cursor.execute(_MEMBERS, [_LARGE_BLOCK, list(mine.keys() - sizes.keys())])
            for key, size, members in cursor.fetchall():
                sizes[key] = size
                if members is None:
                    self._large[key] = size
                else:
                    found.pairs.update(_pairs(members, changed))
        found.known = self._frequencies(sizes)
        return found

    def _frequencies(self, sizes: Mapping[str, int]) -> Frequencies:
        """Tell what is rare by the sizes of blocks."""
        words = {key[2:]: size for key, size in sizes.items() if key[:2] == "t:"}
        return Frequencies(
            records=self._leads,
            words=Counter({word: n for word, n in words.items() if "|" not in word}),
            holders={key: size for key, size in sizes.items() if key[0] in _HELD},
        )


def _pairs(
    members: Sequence[int], changed: Mapping[int, object]
) -> Iterable[tuple[int, int]]:
    for one in members:
        if one in changed:
            for other in members:
                if one != other:
                    yield (one, other) if one < other else (other, one)
