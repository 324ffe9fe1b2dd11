"""Match 100,000 leads that are rows of a database, as `manage.py leads match` does.

`python -m tests.bench.matching --database` fills a PostgreSQL of its own with the rows of
two directories, each a lead with its facts and with those of its keys that nobody had
before, and runs the command on it twice and then for one new lead.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django comes first
from django.db import connection  # noqa: E402

from leads.folding import Fact, fold  # noqa: E402
from leads.matching import match_keys  # noqa: E402
from leads.merging import facts_of  # noqa: E402
from leads.models import Lead, LeadFact, LeadKey, LeadPair  # noqa: E402
from leads.records import LeadRecord  # noqa: E402
from leads.table_matching import match_leads  # noqa: E402
from tests.bench.businesses import Row, make_rows  # noqa: E402
from tests.bench.peak_memory import peak_mb  # noqa: E402
from tests.bench.scoring_pairs import pairwise_f1  # noqa: E402

#: Rows that are stored together.
_BATCH = 5_000
_SEED = 910_004


def main() -> None:
    """Do the part that the command line names: `fill`, `match` or `score`."""
    part, businesses = sys.argv[1], int(sys.argv[2])
    if part == "match":
        print(json.dumps(_run() | {"again": _run()} | _one_more()), flush=True)
        return
    rows = make_rows(businesses, seed=_SEED)
    if part == "score":
        print(json.dumps(_score([row.truth for row in rows])), flush=True)
        return
    call_command("migrate", verbosity=0)
    for first in range(0, len(rows), _BATCH):
        _store(rows[first : first + _BATCH], first)


def _store(rows: Sequence[Row], first: int) -> None:
    records = [_record(row, first + at) for at, row in enumerate(rows)]
    facts = [facts_of(record) for record in records]
    leads = Lead.objects.bulk_create(
        Lead(pk=first + at + 1, **_folded(said)) for at, said in enumerate(facts)
    )
    for lead, said in zip(leads, facts, strict=True):
        for fact in said:
            fact.lead = lead
    LeadFact.objects.bulk_create([fact for said in facts for fact in said])
    LeadKey.objects.bulk_create(
        [
            LeadKey(lead=lead, kind=key.kind, value=key.value)
            for lead, record in zip(leads, records, strict=True)
            for key in match_keys(record.known())
        ],
        ignore_conflicts=True,
    )


def _record(row: Row, number: int) -> LeadRecord:
    values = {k: v for k, v in asdict(row).items() if k != "truth"}
    return LeadRecord(values, "import", f"file:list.csv#{number}", datetime.now(UTC))


def _folded(facts: Sequence[LeadFact]) -> dict[str, Any]:
    return fold(
        Fact(each.field, each.value, each.source, each.fetched_at)
        for each in facts
        if each.value
    )


def _run() -> dict[str, float]:
    """Run the command; give its seconds, CPU time, statements and peak memory."""
    statements = 0

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    began, used = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(count):
        call_command("leads", "match", stdout=sys.stderr)
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - used, 2),
        "statements": statements,
        "peak_mb": round(peak_mb()),
    }


def _score(truth: Sequence[int]) -> dict[str, float]:
    """Compare what became of the leads with the truth, by pairs of them."""
    into = dict(Lead.objects.values_list("pk", "merged_into_id"))
    groups: dict[int, list[int]] = defaultdict(list)
    for pk in range(1, len(truth) + 1):
        top = pk
        while into[top] is not None:
            top = into[top]
        groups[top].append(pk - 1)
    score = pairwise_f1(truth, list(groups.values()))
    return {
        "leads": len(truth),
        "left": len(groups),
        "precision": round(score.precision, 4),
        "recall": round(score.recall, 4),
        "f1": round(score.f1, 4),
        "review": LeadPair.objects.filter(state=LeadPair.State.OPEN).count(),
    }


def _one_more() -> dict[str, float]:
    """Say how long one new lead takes against all others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('leads_lead_id_seq', (SELECT max(id) FROM leads_lead))"
        )
    Lead.objects.create(name="Zzyzx Bakery", street="12 Main St", city="Fairview")
    began = time.perf_counter()
    assert match_leads().compared == 1
    return {"one_more_ms": round((time.perf_counter() - began) * 1_000)}


if __name__ == "__main__":
    main()
