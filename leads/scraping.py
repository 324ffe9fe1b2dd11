"""Scrape a listing source: its list, then each posting that was not read before.

Everything that is known so far is rows: a job that has to wait, or whose worker dies,
goes on where it was. Its outcome says what happened; a zero is never silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from fliptech_site.errors import InvalidInput
from leads.consents import require_consent
from leads.drift_rules import counted
from leads.fetching import Page, fetch
from leads.frontier import remember_rows, to_read, values_hash
from leads.job_endings import Stop, finish, finish_blocked, finish_read, set_waiting
from leads.job_keeping import count, end_without_list, mark, open_job, send_on
from leads.merging import Kind, store_record
from leads.models import Lead, Posting, ScrapeJob
from leads.outcomes import Outcome
from leads.records import LeadRecord, Value
from leads.sources import find_source
from leads.sources.base import OUTCOMES, ListPage, PageState, PostingPage, Source
from leads.throttling import Patience
from tasks.progressing import progress

#: Seconds after which a scrape gives its worker back and goes on later; the task's
#: limit is six minutes, and a last page may take 20 seconds.
_PATIENCE_SECONDS = 240.0
#: Pages in a row that fail before the rest of the list is given up.
_FAILURES_IN_A_ROW = 5
_LIST_STOPS = {
    PageState.EMPTY: Stop.END_OF_LIST,
    PageState.BLOCKED: Stop.REFUSED,
}


def scrape(source: str, **parameters: Any) -> dict[str, Any]:
    """Scrape a source and return job_id, outcome, reason and the counts of leads.

    Raises InvalidInput for unknown parameters, ConsentMissingError for a source that
    is off, RateLimited while the host asks to wait, TransientError when it is down.
    """
    found = find_source(source)
    checked = found.check(parameters)
    require_consent(found)
    job = open_job(source, checked)
    if job.is_finished:
        return job.as_result()
    run = Run(job=job, source=found, patience=Patience(_PATIENCE_SECONDS))
    if not job.postings.exists() and not _read_list(run):
        return job.as_result()
    _read_postings(run)
    return job.as_result()


@dataclass
class Run:
    """One task's work on a job."""

    job: ScrapeJob
    source: Source
    patience: Patience


def _read_list(run: Run) -> bool:
    """Put the list's rows on the frontier; False when the job ended here."""
    url = run.source.list_url(run.job.parameters)
    page = fetch(url, patience=run.patience, job=run.job)
    run.job.counts["pages"] += 1
    if not page.has_text:
        return end_without_list(run.job, page)
    listed = run.source.read_list(page.text, url=page.final_url)
    if listed.state != PageState.CONTENT:
        finish(
            run.job,
            OUTCOMES[listed.state],
            listed.reason,
            stop=_LIST_STOPS.get(listed.state, Stop.NO_LIST),
        )
        return False
    _remember_rows(run, listed)
    return True


def _remember_rows(run: Run, listed: ListPage) -> None:
    rows = listed.rows[: run.job.parameters["max_results"]]
    with transaction.atomic():
        run.job.counts |= {
            "listed": remember_rows(run.job, run.source.name, rows),
            "left_out": len(listed.rows) - len(rows),
            "unreadable_rows": listed.unreadable,
        }
        run.job.save(update_fields=["counts", "updated_at"])


def _read_postings(run: Run) -> None:
    """Read what is new on the frontier and finish the job."""
    postings = list(run.job.postings.select_related("lead").order_by("pk"))
    _count_known(run.job, postings)
    waiting = list(to_read(run.job))
    failures = 0
    for done, posting in enumerate(waiting):
        progress(len(postings) - len(waiting) + done, len(postings), posting.title)
        page = fetch(posting.url, patience=run.patience, job=run.job)
        run.job.counts["pages"] += 1
        if page.outcome == Outcome.RATE_LIMITED:
            set_waiting(run.job, page.reason)
            raise page.rate_limit()
        if page.outcome == Outcome.BLOCKED:
            finish_blocked(run.job, page.reason)
            return
        failures = 0 if read_posting_page(run, posting, page) else failures + 1
        if failures >= _FAILURES_IN_A_ROW:
            break
    progress(len(postings), len(postings))
    finish_read(run.job, gave_up=failures >= _FAILURES_IN_A_ROW)


def _count_known(job: ScrapeJob, postings: list[Posting]) -> None:
    """Count what earlier jobs read, and send on what never got its score."""
    if "counted" in job.counts:
        return  # This job was interrupted and goes on.
    known = [p for p in postings if p.state == Posting.State.READ and p.lead]
    for posting in known:
        assert posting.lead is not None
        if posting.lead.scored_at is None:
            send_on(posting.lead)
    job.counts |= {"leads_known": len(known), "leads_found": len(known), "counted": 1}
    job.save(update_fields=["counts", "updated_at"])


def read_posting_page(run: Run, posting: Posting, page: Page) -> bool:
    """Make a lead of one posting's page; False when the page could not be read."""
    if not page.has_text:
        mark(posting, Posting.State.UNREADABLE, page.reason)
        return False
    read = run.source.read_posting(page.text)
    if read.state == PageState.REMOVED:
        mark(posting, Posting.State.REMOVED, read.reason)
        return True
    if read.state != PageState.CONTENT:
        mark(posting, Posting.State.UNREADABLE, read.reason)
        return False
    _store(run, posting, page, read)
    return True


def _store(run: Run, posting: Posting, page: Page, read: PostingPage) -> None:
    """Store the lead, its posting, the counts and the next task, or none of them."""
    values = dict(read.values)
    values["city"] = values.get("city") or posting.place
    said = values_hash(values, read.headline)
    with transaction.atomic():
        run.job.filled = counted(run.job.filled, values)
        if posting.lead_id and posting.content_hash == said:
            kind, is_changed = Kind.KNOWN, False
        else:
            try:
                stored = store_record(_record(run, posting, page, read, values))
            except InvalidInput as error:
                mark(posting, Posting.State.UNREADABLE, str(error))
                return
            posting.lead_id, kind, is_changed = stored.lead_id, stored.kind, True
        posting.expires_at, posting.content_hash = read.expires_at, said
        posting.save(update_fields=["lead", "expires_at", "content_hash"])
        mark(posting, Posting.State.READ, "")
        count(run.job, kind)
        if is_changed:
            send_on(Lead.objects.get(pk=posting.lead_id))


def _record(
    run: Run,
    posting: Posting,
    page: Page,
    read: PostingPage,
    values: Mapping[str, Value],
) -> LeadRecord:
    return LeadRecord(
        values=values,
        source=run.source.name,
        url=posting.url,
        fetched_at=page.fetched_at,
        fetch_id=page.fetch_id,
        fallback_name=read.headline or posting.title,
        listing_key=f"{run.source.name}:{posting.key}",
        region=run.source.region(run.job.parameters),
    )
