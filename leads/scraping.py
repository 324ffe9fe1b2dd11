"""Scrape a listing source: its list, then each posting that was not read before.

Everything that is known so far is rows: a job that has to wait, or whose worker dies,
goes on where it was. Its outcome says what happened; a zero is never silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from fliptech_site.errors import InvalidInput, TransientError
from leads.consents import require_consent
from leads.fetching import Page, fetch
from leads.merging import Kind, store_record
from leads.models import Lead, Posting, ScrapeJob
from leads.outcomes import Outcome
from leads.records import LeadRecord
from leads.sources import find_source
from leads.sources.base import OUTCOMES, ListPage, PageState, PostingPage, Source
from leads.throttling import Patience
from tasks.current import current_claim
from tasks.enqueueing import enqueue
from tasks.progressing import progress

#: Seconds after which a scrape gives its worker back and goes on later; the task's
#: limit is six minutes, and a last page may take 20 seconds.
_PATIENCE_SECONDS = 240.0
#: Pages in a row that fail before the rest of the list is given up.
_FAILURES_IN_A_ROW = 5


def scrape(source: str, **parameters: Any) -> dict[str, Any]:
    """Scrape a source and return job_id, outcome, reason and the counts of leads.

    Raises InvalidInput for unknown parameters, ConsentMissingError for a source that
    is off, RateLimited while the host asks to wait, TransientError when it is down.
    """
    found = find_source(source)
    checked = found.check(parameters)
    require_consent(found)
    job = _open_job(source, checked)
    run = _Run(job=job, source=found, patience=Patience(_PATIENCE_SECONDS))
    if not job.postings.exists() and not _read_list(run):
        return job.as_result()
    _read_postings(run)
    return job.as_result()


@dataclass
class _Run:
    """One task's work on a job."""

    job: ScrapeJob
    source: Source
    patience: Patience


def _open_job(source: str, parameters: Mapping[str, Any]) -> ScrapeJob:
    """Give the unfinished job for these parameters, or begin one."""
    claim = current_claim()
    now = timezone.now()
    job, _ = ScrapeJob.objects.exclude(state=ScrapeJob.State.FINISHED).get_or_create(
        source=source,
        parameters=dict(parameters),
        defaults={"counts": _no_counts(), "started_at": now},
    )
    job.state = ScrapeJob.State.RUNNING
    job.task_id = claim.task_id if claim else job.task_id
    job.save(update_fields=["state", "task_id", "updated_at"])
    return job


def _no_counts() -> dict[str, int]:
    names = ("found", "created", "merged", "known")
    return {f"leads_{name}": 0 for name in names} | {"listed": 0, "pages": 0}


def _read_list(run: _Run) -> bool:
    """Put the list's rows on the frontier; False when the job ended here."""
    url = run.source.list_url(run.job.parameters)
    page = fetch(url, patience=run.patience, job=run.job)
    run.job.counts["pages"] += 1
    if not page.has_text:
        return _end_without_list(run.job, page)
    listed = run.source.read_list(page.text, url=page.final_url)
    if listed.state != PageState.CONTENT:
        _finish(run.job, OUTCOMES[listed.state], listed.reason)
        return False
    _remember_rows(run, listed)
    return True


def _end_without_list(job: ScrapeJob, page: Page) -> bool:
    """Finish, or leave the job waiting and let the error decide about the next try."""
    if page.outcome == Outcome.RATE_LIMITED:
        _wait(job, page.reason)
        raise page.rate_limit()
    if page.is_host_down and _may_try_again():
        _wait(job, page.reason)
        raise TransientError(page.reason)
    _finish(job, page.outcome, page.reason)
    return False


def _may_try_again() -> bool:
    claim = current_claim()
    return claim is not None and claim.failures + 1 < claim.max_attempts


def _remember_rows(run: _Run, listed: ListPage) -> None:
    rows = listed.rows[: run.job.parameters["max_results"]]
    with transaction.atomic():
        Posting.objects.bulk_create(
            [
                Posting(
                    source=run.source.name,
                    key=row.key,
                    url=row.url[:1000],
                    title=row.title,
                    place=row.place,
                    job=run.job,
                    last_seen_at=timezone.now(),
                )
                for row in rows
            ],
            update_conflicts=True,
            unique_fields=["source", "key"],
            update_fields=["url", "title", "place", "job", "last_seen_at"],
        )
        run.job.counts |= {"listed": len(rows), "unreadable_rows": listed.unreadable}
        run.job.save(update_fields=["counts", "updated_at"])


def _read_postings(run: _Run) -> None:
    """Read what is new on the frontier and finish the job."""
    postings = list(run.job.postings.select_related("lead").order_by("pk"))
    _count_known(run.job, postings)
    waiting = [p for p in postings if _is_open(p)]
    failures = 0
    for done, posting in enumerate(waiting):
        progress(len(postings) - len(waiting) + done, len(postings), posting.title)
        page = fetch(posting.url, patience=run.patience, job=run.job)
        run.job.counts["pages"] += 1
        if page.outcome == Outcome.RATE_LIMITED:
            _wait(run.job, page.reason)
            raise page.rate_limit()
        if page.outcome == Outcome.BLOCKED:
            _finish_blocked(run.job, page.reason)
            return
        failures = 0 if _read_posting(run, posting, page) else failures + 1
        if failures >= _FAILURES_IN_A_ROW:
            break
    progress(len(postings), len(postings))
    _finish_read(run.job)


def _is_open(posting: Posting) -> bool:
    return posting.state in (Posting.State.NEW, Posting.State.UNREADABLE)


def _count_known(job: ScrapeJob, postings: list[Posting]) -> None:
    """Count what earlier jobs read, and send on what never got its score."""
    if "counted" in job.counts:
        return  # This job was interrupted and goes on.
    known = [p for p in postings if p.state == Posting.State.READ and p.lead]
    for posting in known:
        assert posting.lead is not None
        if posting.lead.scored_at is None:
            _send_on(posting.lead)
    job.counts |= {"leads_known": len(known), "leads_found": len(known), "counted": 1}
    job.save(update_fields=["counts", "updated_at"])


def _read_posting(run: _Run, posting: Posting, page: Page) -> bool:
    """Make a lead of one posting's page; False when the page could not be read."""
    if not page.has_text:
        _mark(posting, Posting.State.UNREADABLE, page.reason)
        return False
    read = run.source.read_posting(page.text)
    if read.state == PageState.REMOVED:
        _mark(posting, Posting.State.REMOVED, read.reason)
        return True
    if read.state != PageState.CONTENT:
        _mark(posting, Posting.State.UNREADABLE, read.reason)
        return False
    _store(run, posting, page, read)
    return True


def _mark(posting: Posting, state: Posting.State, reason: str) -> None:
    posting.state, posting.reason, posting.read_at = state, reason, timezone.now()
    posting.save(update_fields=["state", "reason", "read_at", "last_seen_at"])


def _store(run: _Run, posting: Posting, page: Page, read: PostingPage) -> None:
    """Store the lead, its posting, the counts and the next task, or none of them."""
    values = dict(read.values)
    values["city"] = values.get("city") or posting.place
    record = LeadRecord(
        values=values,
        source=run.source.name,
        url=posting.url,
        fetched_at=page.fetched_at,
        fetch_id=page.fetch_id,
        fallback_name=read.headline or posting.title,
        listing_key=f"{run.source.name}:{posting.key}",
        region=run.source.region(run.job.parameters),
    )
    with transaction.atomic():
        try:
            stored = store_record(record)
        except InvalidInput as error:
            _mark(posting, Posting.State.UNREADABLE, str(error))
            return
        posting.lead_id, posting.expires_at = stored.lead_id, read.expires_at
        posting.save(update_fields=["lead", "expires_at"])
        _mark(posting, Posting.State.READ, "")
        _count(run.job, stored.kind)
        if stored.kind != Kind.KNOWN:
            _send_on(Lead.objects.get(pk=stored.lead_id))


def _count(job: ScrapeJob, kind: Kind) -> None:
    job.counts["leads_found"] += 1
    job.counts[f"leads_{kind.value}"] += 1
    job.save(update_fields=["counts", "updated_at"])


def _send_on(lead: Lead) -> None:
    """Enqueue what comes next: a visit of the website, or the scoring."""
    actor = "scrape_website" if lead.website else "analyze_lead"
    enqueue(actor, lead_id=lead.pk, unique_key=f"{actor}:{lead.pk}")


def _wait(job: ScrapeJob, reason: str) -> None:
    job.state, job.reason = ScrapeJob.State.WAITING, reason
    job.save(update_fields=["state", "reason", "counts", "updated_at"])


def _finish_blocked(job: ScrapeJob, reason: str) -> None:
    found = job.counts["leads_found"]
    outcome = Outcome.PARTIAL if found else Outcome.BLOCKED
    _finish(job, outcome, f"After {found} leads the source refused: {reason}")


def _finish_read(job: ScrapeJob) -> None:
    """Finish a job whose list was read, by what became of its postings."""
    states = list(job.postings.values_list("state", flat=True))
    unread = sum(state in ("new", "unreadable") for state in states)
    bad_rows = job.counts.get("unreadable_rows", 0)
    if not unread and not bad_rows:
        is_empty = not job.counts["leads_found"]
        reason = "Everything that was listed has been removed." if is_empty else ""
        _finish(job, Outcome.EMPTY if is_empty else Outcome.OK, reason)
    elif job.counts["leads_found"]:
        reason = f"{unread + bad_rows} of {len(states) + bad_rows} listings could not be read."
        _finish(job, Outcome.PARTIAL, reason)
    else:
        example = job.postings.filter(state="unreadable").first()
        why = example.reason if example else "its rows have no known links."
        _finish(job, Outcome.ERROR, f"None of the listings could be read: {why}")


def _finish(job: ScrapeJob, outcome: Outcome, reason: str) -> None:
    job.state, job.outcome, job.reason = ScrapeJob.State.FINISHED, outcome, reason
    job.finished_at = timezone.now()
    job.counts.pop("counted", None)
    job.save()
