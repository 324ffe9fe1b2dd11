"""Store what a board's answer lists: its companies as leads, its jobs as postings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from leads.bulk_storing import store_records
from leads.hiring import by_company, company_record
from leads.job_keeping import note_filled, send_on
from leads.merging import Kind
from leads.models import Lead, Posting, ScrapeJob
from leads.records import LeadRecord
from leads.sources.job_boards.base import Vacancy


@dataclass(frozen=True)
class Origin:
    """Where vacancies come from."""

    source: str
    board: str
    #: The address that the facts name.
    url: str
    fetched_at: datetime
    fetch_id: int | None = None
    #: The company's name in the board's address, and its site as a person told it.
    slug: str = ""
    website: str = ""
    attribution: str = ""


def store_vacancies(job: ScrapeJob, vacancies: list[Vacancy], origin: Origin) -> int:
    """Store leads, postings, counts and the next tasks, or none of them.

    Companies beyond the job's `max_results` are left out. Returns how many of the
    vacancies this job had listed before.
    """
    known: dict[str, list[str]] = job.cursor.setdefault("companies", {})
    grouped = by_company(vacancies)
    left = job.parameters["max_results"] - len(known)
    fresh = [name for name in grouped if name not in known][: max(left, 0)]
    companies = {
        name: listed
        for name, listed in grouped.items()
        if name in known or name in fresh
    }
    records = [
        company_record(
            name,
            listed,
            source=origin.source,
            board=origin.board,
            url=origin.url,
            fetched_at=origin.fetched_at,
            fetch_id=origin.fetch_id,
            slug=origin.slug,
            website=origin.website,
            earlier=known.get(name, ()),
        )
        for name, listed in companies.items()
    ]
    with transaction.atomic():
        are_new = [name not in known for name in companies]
        leads = store_companies(job, records, are_new)
        # Two companies may be one lead: each brings its own jobs.
        by_lead = list(zip(leads, companies.values(), strict=True))
        repeated = _store_postings(job, by_lead, origin)
        for name, listed in companies.items():
            titles = [*known.get(name, ()), *(each.title for each in listed)]
            known[name] = list(dict.fromkeys(titles))[:100]
        job.save(update_fields=["counts", "cursor", "filled", "updated_at"])
    return repeated


def store_companies(
    job: ScrapeJob, records: list[LeadRecord], are_new: list[bool] | None = None
) -> list[int]:
    """Store records as leads, count them and send them on; gives their leads.

    `are_new` says which records are of companies that this job had not yet counted.
    """
    stored = store_records(records)
    fresh = {each.lead_id for each in stored if each.kind != Kind.KNOWN}
    for lead in Lead.objects.filter(pk__in=fresh).order_by("pk"):
        send_on(lead)
    counted = are_new or [True] * len(records)
    for each, is_new in zip(stored, counted, strict=True):
        if is_new:
            job.counts["leads_found"] += 1
            job.counts[f"leads_{each.kind.value}"] += 1
    new_records = (r for r, is_new in zip(records, counted, strict=True) if is_new)
    note_filled(job, new_records)
    return [each.lead_id for each in stored]


def _store_postings(
    job: ScrapeJob, listed: list[tuple[int, list[Vacancy]]], origin: Origin
) -> int:
    """Store the postings, count them, and return how many this job had before."""
    now = timezone.now()
    rows = {
        (key := f"{origin.board}:{each.key}"[:200]): Posting(
            source=origin.source,
            key=key,
            url=(each.url or origin.url)[:1000],
            title=each.title[:300],
            place=each.location[:200],
            attribution=origin.attribution,
            state=Posting.State.READ,
            job=job,
            lead_id=lead_id,
            last_seen_at=now,
            read_at=now,
        )
        for lead_id, vacancies in listed
        for each in vacancies
    }
    known = Posting.objects.filter(source=origin.source, key__in=rows)
    seen, seen_here = known.count(), known.filter(job=job).count()
    Posting.objects.bulk_create(
        list(rows.values()),
        batch_size=500,
        update_conflicts=True,
        unique_fields=["source", "key"],
        update_fields=[
            *("url", "title", "place", "attribution", "state", "job", "lead"),
            *("last_seen_at", "read_at"),
        ],
    )
    job.counts["listed"] += len(rows) - seen_here
    job.counts["new_postings"] = job.counts.get("new_postings", 0) + len(rows) - seen
    return seen_here
