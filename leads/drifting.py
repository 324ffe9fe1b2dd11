"""Keep each source's fill rates and raise the alarm when a job falls far below them."""

from __future__ import annotations

import logging

from django.db import transaction

from leads.drift_rules import LEAST_READ, Baseline, is_drifting, learned
from leads.models import FieldBaseline, ScrapeJob

log = logging.getLogger(__name__)


def judge_fill_rates(job: ScrapeJob) -> str:
    """Compare a job's fill rates with its source's; the answer names what fell.

    What holds is learned from; what fell is not, so the alarm stays until the reader
    is mended. Call it inside the transaction that ends the job, so that a job is
    learned from once.
    """
    read = job.filled.get("read", 0)
    if read < LEAST_READ:
        return ""
    counts = {name: count for name, count in job.filled.items() if name != "read"}
    told = []
    with transaction.atomic():
        rows = {
            row.field: row
            for row in FieldBaseline.objects.select_for_update(no_key=True).filter(
                source=job.reader
            )
        }
        changed = []
        for name, filled in sorted(counts.items()):
            row = rows.get(name)
            known = Baseline(row.rate, row.jobs) if row else None
            drifts = known is not None and is_drifting(known, filled=filled, read=read)
            if drifts:
                assert known is not None
                told.append(f"{name}: {filled / read:.0%} instead of {known.rate:.0%}")
            changed.append(_row(job.reader, name, known, filled, read, drifts=drifts))
        FieldBaseline.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["source", "field"],
            update_fields=["rate", "jobs", "last_rate", "is_drifting", "updated_at"],
        )
    if told:
        log.warning("%s states fields too rarely: %s", job.reader, "; ".join(told))
    return "; ".join(told)


def _row(
    source: str,
    name: str,
    known: Baseline | None,
    filled: int,
    read: int,
    *,
    drifts: bool,
) -> FieldBaseline:
    baseline = known if drifts and known else learned(known, filled=filled, read=read)
    return FieldBaseline(
        source=source,
        field=name,
        rate=baseline.rate,
        jobs=baseline.jobs,
        last_rate=filled / read,
        is_drifting=drifts,
    )
