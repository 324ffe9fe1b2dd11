"""Import a page of a listing source that somebody saved: no request goes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from leads.fetching import Page
from leads.frontier import remember_rows
from leads.job_endings import Stop, finish, finish_read
from leads.job_keeping import no_counts
from leads.merging import Kind
from leads.models import Posting, ScrapeJob
from leads.outcomes import Outcome
from leads.pages import own_address, parse_html
from leads.row_storing import store_rows
from leads.saved_pages import SavedPage, read_saved_file
from leads.scraping import Run, read_posting_page
from leads.sources.base import (
    OUTCOMES,
    ListPage,
    PageState,
    PostingPage,
    Source,
)
from leads.sources.craigslist_pages import posting_key
from leads.throttling import Patience
from tasks.enqueueing import enqueue


def import_page(source: Source, path: Path, *, url: str = "") -> dict[str, Any]:
    """Import a saved list or posting and return what a scrape returns.

    The listings of a list become leads under their headlines; a later scrape reads
    their pages and completes them. Importing a page again creates nothing.
    """
    saved = read_saved_file(path)
    # An import whose process died is gone on with.
    job, _ = ScrapeJob.objects.exclude(state=ScrapeJob.State.FINISHED).get_or_create(
        source=source.name,
        parameters={"file": path.name[:200], "url": url or saved.url},
        defaults={"counts": no_counts(), "started_at": timezone.now()},
    )
    if saved.has_text:
        own = own_address(parse_html(saved.text))
        _import(source, job, saved, url or saved.url or own or source.base_url())
    else:
        finish(job, saved.outcome, saved.reason, stop=Stop.NO_LIST)
    return job.as_result()


def _import(source: Source, job: ScrapeJob, saved: SavedPage, url: str) -> None:
    posting = source.read_posting(saved.text)
    if posting.state in (PageState.CONTENT, PageState.REMOVED):
        _import_posting(source, job, saved, posting, url)
        return
    listed = source.read_list(saved.text, url=url)
    with transaction.atomic():
        import_list(source, job, listed)
        outcome, reason = OUTCOMES[listed.state], listed.reason
        if listed.rows and (listed.unreadable or saved.outcome == Outcome.PARTIAL):
            outcome = Outcome.PARTIAL
            reason = saved.reason or f"{listed.unreadable} rows have no known link."
        finish(job, outcome, reason, stop=Stop.END_OF_LIST)


def import_list(source: Source, job: ScrapeJob, listed: ListPage) -> None:
    """Make leads of a list's rows and put the rows on the frontier."""
    stored = store_rows(source.name, listed.rows)
    leads = [each.lead_id for each in stored]
    remember_rows(job, source.name, listed.rows, leads)
    job.counts |= {
        "listed": len(listed.rows),
        "unreadable_rows": listed.unreadable,
        "pages": 1,
        "leads_found": len(stored),
        **{
            f"leads_{kind.value}": sum(each.kind == kind for each in stored)
            for kind in Kind
        },
    }
    # One task here, which has each lead scored by a task of its own: a list of 350 is
    # stored in half the time, and whoever imports it waits for this.
    new = [each.lead_id for each in stored if each.kind == Kind.CREATED]
    if new:
        enqueue("batch_analyze_leads", lead_ids=new)


def _import_posting(
    source: Source, job: ScrapeJob, saved: SavedPage, read: PostingPage, url: str
) -> None:
    """Make a lead of one saved posting, as if its page had just been fetched."""
    key = posting_key(url) or str(read.details.get("post_id") or "") or url
    posting, _ = Posting.objects.update_or_create(
        source=source.name,
        key=key[:200],
        defaults={"url": url[:1000], "job": job, "state": Posting.State.NEW},
        create_defaults={"url": url[:1000], "job": job, "title": read.headline[:300]},
    )
    job.counts |= {"listed": 1, "pages": 1}
    run = Run(job=job, source=source, patience=Patience(0))
    page = Page(url, saved.outcome, saved.reason, final_url=url, text=saved.text)
    read_posting_page(run, posting, page)
    finish_read(job, gave_up=False)
