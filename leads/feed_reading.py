"""Read a feed part by part into leads; where it goes on stands in the job's cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from fliptech_site import outbound
from leads.fetching import Page, fetch
from leads.job_endings import Stop, set_waiting
from leads.job_keeping import end_job, end_without_list
from leads.judging import FEED_TYPES
from leads.models import ScrapeJob
from leads.outcomes import Outcome
from leads.saved_pages import read_saved_file
from leads.sources.job_boards.base import BoardPage
from leads.throttling import Patience
from leads.vacancy_storing import Origin, store_vacancies
from tasks.progressing import progress

_PATIENCE_SECONDS = 240.0
#: The largest boards answer with some megabytes.
_LIMITS = outbound.Limits(bytes=20 * 1024 * 1024, seconds=60)
#: Parts of one feed; more would be a feed that goes round in circles.
_MOST_PARTS = 100
_REPEATS = "The last part repeats what came before, so no further one was asked for."


@dataclass(frozen=True)
class Feed:
    """A feed to be read."""

    label: str
    first_url: str
    read: Callable[[str, str], BoardPage]
    #: Its url, time and fetch are filled in from each page.
    origin: Origin


def read_feed(job: ScrapeJob, feed: Feed) -> None:
    """Read the feed to its end, or until there are enough leads, and finish the job.

    Raises RateLimited while the host asks to wait, TransientError when it is down.
    """
    patience = Patience(_PATIENCE_SECONDS)
    cursor = job.cursor = job.cursor or {
        "next": feed.first_url,
        "parts": 0,
        "faults": [],
    }
    while cursor["next"] and cursor["parts"] < _MOST_PARTS:
        page = fetch(
            cursor["next"], patience=patience, job=job, kinds=FEED_TYPES, limits=_LIMITS
        )
        job.counts["pages"] += 1
        if not page.has_text:
            _end_early(job, feed, page)
            return
        read = feed.read(page.text, page.final_url)
        if page.outcome == Outcome.PARTIAL:
            cursor["faults"].append(page.reason)
        if not _keep(job, feed, page, read):
            return
        progress(job.counts["leads_found"], job.parameters["max_results"], feed.label)
    _finish(job)


def _keep(job: ScrapeJob, feed: Feed, page: Page, read: BoardPage) -> bool:
    """Store one part; False when the job ended with it."""
    cursor = job.cursor
    if read.outcome not in (Outcome.OK, Outcome.PARTIAL, Outcome.EMPTY):
        _end_with(job, read.outcome, read.reason)
        return False
    if read.outcome == Outcome.PARTIAL:
        cursor["faults"].append(read.reason)
    if read.outcome == Outcome.EMPTY:
        cursor["empty"] = read.reason
    if read.total is not None:
        cursor["total"] = read.total
    origin = replace(feed.origin, fetched_at=page.fetched_at, fetch_id=page.fetch_id)
    # What a part holds and where the next one is become known together, or not at all.
    with transaction.atomic():
        repeated = store_vacancies(job, read.vacancies, origin)
        fresh = len(read.vacancies) - repeated
        cursor["read"] = cursor.get("read", 0) + fresh + read.unreadable
        _move_on(job, read, is_repeated=bool(repeated) and not fresh)
        job.save(update_fields=["counts", "cursor", "updated_at"])
    return True


def _move_on(job: ScrapeJob, read: BoardPage, *, is_repeated: bool) -> None:
    """Set the cursor to the next part, unless there are enough or it would repeat."""
    cursor = job.cursor
    cursor["parts"] += 1
    cursor["next"] = read.next_url
    if job.counts["leads_found"] >= job.parameters["max_results"]:
        cursor["next"], cursor["is_cut"] = "", bool(read.next_url)
    elif is_repeated and read.next_url:
        # The next one would repeat it again, and so on for ever.
        cursor["next"], cursor["stop"] = "", Stop.NOTHING_NEW


def _end_early(job: ScrapeJob, feed: Feed, page: Page) -> None:
    if page.status == 404:
        reason = f"{feed.label} knows no such board (404): check its name."
        page = replace(page, reason=reason)
    if job.counts["leads_found"] and page.outcome != Outcome.RATE_LIMITED:
        _end_with(job, page.outcome, page.reason)
        return
    if page.outcome == Outcome.RATE_LIMITED:
        set_waiting(job, page.reason)
        job.save(update_fields=["cursor"])
    end_without_list(job, page)


def _end_with(job: ScrapeJob, outcome: Outcome, reason: str) -> None:
    found = job.counts["leads_found"]
    if found:
        outcome, reason = Outcome.PARTIAL, f"After {found} leads: {reason}"
    end_job(job, outcome, reason)


def _finish(job: ScrapeJob) -> None:
    cursor, stop = job.cursor, job.cursor.get("stop")
    found, faults = job.counts["leads_found"], cursor["faults"]
    missing = (cursor.get("total") or 0) - cursor.get("read", 0)
    if cursor["next"]:
        faults.append(f"The feed has more than the {_MOST_PARTS} parts that are read.")
        stop = Stop.MAX_RESULTS
    elif missing > 0 and not cursor.get("is_cut") and found:
        faults.append(
            f"The board says it has {cursor['total']} jobs and gave {missing} fewer."
        )
    if not found and not faults:
        reason = cursor.get("empty") or "None of the entries names a company."
        end_job(job, Outcome.EMPTY, reason)
    elif not found:
        end_job(job, Outcome.MARKUP_CHANGED, faults[0])
    elif faults:
        end_job(job, Outcome.PARTIAL, " ".join(faults)[:1000], stop=stop)
    else:
        end_job(job, Outcome.OK, _REPEATS if stop else "", stop=stop)


def read_saved_feed(
    job: ScrapeJob, path: str, read: Callable[[str, str], BoardPage], origin: Origin
) -> None:
    """Read a feed's answer that somebody saved, and finish the job."""
    saved = read_saved_file(Path(path))
    if not saved.has_text:
        end_job(job, saved.outcome, saved.reason)
        return
    page = Page(
        saved.url, saved.outcome, saved.reason, saved.url, text=saved.text,
        fetched_at=timezone.now(),
    )  # fmt: skip
    job.cursor = {"next": "", "parts": 0, "faults": []}
    found = read(saved.text, saved.url)
    if saved.outcome == Outcome.PARTIAL:
        job.cursor["faults"].append(saved.reason)
    feed = Feed("The file", "", read, origin)
    if _keep(job, feed, page, replace(found, next_url="", total=None)):
        _finish(job)
