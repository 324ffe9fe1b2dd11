"""Scrape Google Maps: ids of an area, rectangle by rectangle, then details of new ones.

The ids stand in postings: a
job that has to wait, or whose worker dies, asks for no details twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import transaction

from fliptech_site.errors import InvalidInput, PermanentError
from leads.fetching import Page
from leads.frontier import to_read
from leads.job_endings import set_waiting
from leads.job_keeping import count, end_job, mark, note_filled, open_job, send_on
from leads.merging import Kind, store_record
from leads.models import Lead, Posting, ScrapeJob
from leads.outcomes import Outcome
from leads.place_searching import Asking, find_area, refused, search_all
from leads.records import LeadRecord
from leads.sources.google_places import (
    DETAILS_MASK,
    MOST_PER_SEARCH,
    NAME,
    Details,
    read_details,
)
from leads.throttling import Patience
from tasks.progressing import progress

_PATIENCE_SECONDS = 240.0
_MOST_RESULTS = 2_000


class KeyMissingError(PermanentError):
    """Raised when Google is to be asked and no key is set."""


def check_places(
    query: str, location: str = "", max_results: object = 60
) -> dict[str, Any]:
    """Give the parameters in one spelling. Raises InvalidInput and KeyMissingError."""
    if not query.strip():
        raise InvalidInput("The query is empty: write what to look for, like plumber.")
    if not isinstance(max_results, int) or not 1 <= max_results <= _MOST_RESULTS:
        raise InvalidInput(
            f"max_results is {max_results!r}: write a whole number from 1 to"
            f" {_MOST_RESULTS}."
        )
    if not settings.GOOGLE_PLACES_API_KEY:
        raise KeyMissingError(
            "google_maps is off, because GOOGLE_PLACES_API_KEY is empty: set it to a key"
            " of your own Google project."
        )
    return {
        "query": query.strip()[:200],
        "location": location.strip()[:200],
        "max_results": max_results,
    }


def scrape_places(**parameters: Any) -> dict[str, Any]:
    """Scrape places and return job_id, outcome, reason and the counts of leads.

    `location` is a name ("Austin, TX") or `south,west,north,east` in degrees.
    Raises InvalidInput, KeyMissingError, RateLimited while Google asks to wait, and
    TransientError when it is down.
    """
    checked = check_places(**parameters)
    job = open_job(NAME, checked)
    run = Asking(job, Patience(_PATIENCE_SECONDS))
    if job.is_finished or (not job.cursor and not find_area(run)):
        return job.as_result()
    if search_all(run) and _read_all(run):
        _finish(run)
    return job.as_result()


def _read_all(run: Asking) -> bool:
    """Ask for the details of new places; False when the job ended here."""
    _count_known(run.job)
    total = run.job.postings.count()
    waiting = list(to_read(run.job))
    for done, posting in enumerate(waiting):
        progress(total - len(waiting) + done, total, posting.key)
        page = run.ask(f"places/{quote(posting.key)}", DETAILS_MASK)
        read = read_details(page.text)
        if page.outcome == Outcome.OK and read.outcome == Outcome.OK:
            _store(run, posting, page, read)
            continue
        page = refused(page, read.outcome, read.reason)
        if page.outcome == Outcome.RATE_LIMITED:
            set_waiting(run.job, page.reason)
            raise page.rate_limit()
        if page.outcome == Outcome.BLOCKED:
            found = run.job.counts["leads_found"]
            outcome = Outcome.PARTIAL if found else Outcome.BLOCKED
            end_job(run.job, outcome, f"After {found} leads: {page.reason}")
            return False
        is_gone = page.outcome == Outcome.EMPTY
        state = Posting.State.REMOVED if is_gone else Posting.State.UNREADABLE
        mark(posting, state, page.reason)
    progress(total, total)
    return True


def _count_known(job: ScrapeJob) -> None:
    if "counted" in job.counts:
        return
    known = job.postings.filter(state=Posting.State.READ, lead__isnull=False).count()
    job.counts |= {"leads_known": known, "leads_found": known, "counted": 1}
    job.save(update_fields=["counts", "updated_at"])


def _store(run: Asking, posting: Posting, page: Page, read: Details) -> None:
    values = {**read.values}
    if urlsplit(str(values["website"] or "")).scheme not in ("http", "https"):
        values["website"] = ""
    record = LeadRecord(
        values=values,
        source=NAME,
        url=posting.url,
        fetched_at=page.fetched_at,
        fetch_id=page.fetch_id,
        listing_key=f"{NAME}:{posting.key}",
        region=read.region,
    )
    with transaction.atomic():
        stored = store_record(record)
        posting.lead_id, posting.attribution = stored.lead_id, read.attribution
        days = timedelta(days=settings.GOOGLE_PLACES_DAYS)
        posting.expires_at = page.fetched_at + days
        posting.save(update_fields=["lead", "attribution", "expires_at"])
        mark(posting, Posting.State.READ, "")
        note_filled(run.job, [record])
        count(run.job, stored.kind)
        if stored.kind != Kind.KNOWN:
            send_on(Lead.objects.get(pk=stored.lead_id))


def _finish(run: Asking) -> None:
    job, cursor = run.job, run.job.cursor
    states = list(job.postings.values_list("state", flat=True))
    unread = states.count("unreadable")
    if not states:
        end_job(job, Outcome.EMPTY, "Google knows no such place there.")
    elif unread == len(states):
        why = job.postings.filter(state="unreadable").values_list("reason", flat=True)
        end_job(job, Outcome.ERROR, f"None of the places could be read: {why[0]}")
    elif unread:
        reason = f"{unread} of {len(states)} places could not be read."
        end_job(job, Outcome.PARTIAL, reason)
    elif not job.counts["leads_found"]:
        end_job(job, Outcome.EMPTY, "Every place that was listed has closed.")
    elif cursor["cut_short"]:
        reason = (
            f"{cursor['cut_short']} searches gave their most, {MOST_PER_SEARCH} places:"
            " name a smaller area for the rest."
        )
        end_job(job, Outcome.PARTIAL, reason)
    else:
        end_job(job, Outcome.OK, "")
