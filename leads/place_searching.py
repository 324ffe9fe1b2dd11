"""Find the ids of places, rectangle by rectangle, until an area gives no more.

What is still to be searched stands in the job's cursor: rectangles, and the next page
of the first one. It moves in the transaction that stores a page's ids, so that nothing
is lost or asked twice if the worker dies in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fliptech_site import outbound
from leads import fetching
from leads.fetching import Page
from leads.job_keeping import end_job, end_without_list
from leads.models import Posting, ScrapeJob
from leads.outcomes import Outcome
from leads.sources.google_places import (
    AREA_MASK,
    MOST_PER_SEARCH,
    NAME,
    PAGE_SIZE,
    SEARCH_MASK,
    Area,
    Found,
    read_area,
    read_search,
    search_body,
)
from leads.throttling import Patience

_LIMITS = outbound.Limits(bytes=4 * 1024 * 1024)
#: Searches of one job; each is billed.
_MOST_SEARCHES = 400
#: Seconds to wait when a quota is used up: Google counts by the minute.
_QUOTA_SECONDS = 60.0
#: Of a rectangle: the ids so far, its pages, and the token of the next one.
_FIRST_PAGE: dict[str, Any] = {
    "ids": [],
    "pages": 0,
    "token": "",
    "is_second_try": False,
}


@dataclass
class Asking:
    """One task's work on a job."""

    job: ScrapeJob
    patience: Patience

    def ask(self, path: str, mask: str, body: bytes | None = None) -> Page:
        """Ask the API; the key goes into a header and nowhere else."""
        headers = {
            "X-Goog-Api-Key": settings.GOOGLE_PLACES_API_KEY,
            "X-Goog-FieldMask": mask,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self.job.counts["pages"] += 1
        return fetching.ask(
            f"{settings.GOOGLE_PLACES_URL}/v1/{path}",
            patience=self.patience,
            headers=headers,
            body=body,
            job=self.job,
            limits=_LIMITS,
        )


def refused(page: Page, outcome: Outcome, reason: str) -> Page:
    """Give a page the meaning that Google's own words have, not its status alone."""
    is_not_google = page.outcome != Outcome.OK and outcome == Outcome.MARKUP_CHANGED
    if page.status is None or is_not_google:
        return page
    if page.outcome == Outcome.BLOCKED and outcome == Outcome.RATE_LIMITED:
        outcome = Outcome.BLOCKED  # It refused too many times in a row.
    retry_after = page.retry_after
    if outcome == Outcome.RATE_LIMITED and retry_after is None:
        retry_after = _QUOTA_SECONDS
    key = settings.GOOGLE_PLACES_API_KEY
    reason = reason.replace(key, "…")
    return replace(page, outcome=outcome, reason=reason, retry_after=retry_after)


def find_area(run: Asking) -> bool:
    """Begin the cursor with the area to be searched; False when the job ended here."""
    location = run.job.parameters["location"]
    area = read_area(location)
    if location and area is None:
        page = run.ask("places:searchText", AREA_MASK, search_body(location, None))
        found = read_search(page.text)
        if found.outcome != Outcome.OK:
            end_without_list(run.job, refused(page, found.outcome, found.reason))
            return False
        area = found.area
        if area is None:
            reason = f"Google knows no area called {location!r}."
            end_job(run.job, Outcome.EMPTY, reason)
            return False
    run.job.cursor = {"areas": [area], "searches": 0, "cut_short": 0}
    run.job.save(update_fields=["cursor", "counts", "updated_at"])
    return True


def search_all(run: Asking) -> bool:
    """Search what is left of the area; False when the job ended here."""
    cursor = run.job.cursor
    wanted = run.job.parameters["max_results"]
    while cursor["areas"]:
        listed = run.job.postings.count()
        if listed >= wanted or cursor["searches"] >= _MOST_SEARCHES:
            cursor["cut_short"] += len(cursor["areas"]) if listed < wanted else 0
            cursor["areas"] = []
            break
        if not _search_page(run):
            return False
    run.job.save(update_fields=["cursor", "counts", "updated_at"])
    return True


def _search_page(run: Asking) -> bool:
    """Ask for the next page of the first rectangle; False when the job ended here."""
    cursor = run.job.cursor
    area = Area(*cursor["areas"][0]) if cursor["areas"][0] else None
    tile = cursor.get("tile") or _FIRST_PAGE
    body = search_body(run.job.parameters["query"], area, tile["token"])
    page = run.ask("places:searchText", SEARCH_MASK, body)
    found = read_search(page.text)
    cursor["searches"] += 1
    if found.outcome not in (Outcome.OK, Outcome.EMPTY):
        if tile["token"] and page.status == 400 and not tile["is_second_try"]:
            # A token of long ago is known no more: the rectangle begins again, once.
            cursor["tile"] = _FIRST_PAGE | {"is_second_try": True}
            return True
        _stop_search(run, refused(page, found.outcome, found.reason))
        return False
    with transaction.atomic():
        _remember(run, found.places)
        _move_on(run, area, tile, found)
        run.job.counts["listed"] = run.job.postings.count()
        run.job.save(update_fields=["cursor", "counts", "updated_at"])
    return True


def _move_on(
    run: Asking, area: Area | None, tile: dict[str, Any], found: Found
) -> None:
    """Set the cursor to the rectangle's next page, or to what comes after it."""
    cursor, wanted = run.job.cursor, run.job.parameters["max_results"]
    ids = list(dict.fromkeys([*tile["ids"], *found.places]))
    pages, token = tile["pages"] + 1, found.next_page_token
    # A page that repeats what came before would repeat it for ever.
    is_new = len(ids) > len(tile["ids"])
    is_last = pages >= MOST_PER_SEARCH // PAGE_SIZE
    if token and is_new and not is_last and run.job.postings.count() < wanted:
        cursor["tile"] = tile | {"ids": ids, "pages": pages, "token": token}
        return
    cursor["areas"], cursor["tile"] = cursor["areas"][1:], None
    if len(ids) < MOST_PER_SEARCH:
        return
    if area is None or area.is_smallest():
        cursor["cut_short"] += 1
    else:
        cursor["areas"] += area.halves()


def _stop_search(run: Asking, page: Page) -> None:
    listed = run.job.postings.count()
    if page.outcome != Outcome.RATE_LIMITED and not page.is_host_down and listed:
        reason = f"After {listed} places Google refused: {page.reason}"
        end_job(run.job, Outcome.PARTIAL, reason)
        return
    end_without_list(run.job, page)


def _remember(run: Asking, places: dict[str, str]) -> None:
    left = run.job.parameters["max_results"] - run.job.postings.count()
    known = set(run.job.postings.filter(key__in=places).values_list("key", flat=True))
    fresh = [key for key in places if key not in known][: max(left, 0)]
    Posting.objects.bulk_create(
        [
            Posting(
                source=NAME,
                key=key,
                url=_maps_url(key),
                attribution=places[key],
                job=run.job,
                last_seen_at=timezone.now(),
            )
            for key in fresh
        ],
        update_conflicts=True,
        unique_fields=["source", "key"],
        update_fields=["job", "attribution", "last_seen_at"],
    )


def _maps_url(key: str) -> str:
    return (
        "https://www.google.com/maps/search/?api=1&query=place"
        f"&query_place_id={quote(key)}"
    )
