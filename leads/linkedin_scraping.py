"""Gather leads from LinkedIn: a member's own contacts, saved pages, or where it allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.consents import require_consent
from leads.feed_reading import Feed, read_feed, read_saved_feed
from leads.job_keeping import end_job, open_job
from leads.matching import normalise_name
from leads.models import ScrapeJob
from leads.records import LeadRecord
from leads.robots import robots_for
from leads.saved_pages import is_markup, read_saved_file
from leads.sources.linkedin import NAME, guest_list_url, read_jobs
from leads.sources.linkedin_contacts import (
    Contact,
    Contacts,
    is_contacts,
    read_contacts,
)
from leads.vacancy_storing import Origin, store_companies
from tasks.progressing import progress

#: Companies per transaction.
_BATCH = 200
_MOST_RESULTS = 20_000
#: People that a lead's description names.
_PEOPLE = 10


class LinkedIn:
    """What `consents` has to know of LinkedIn."""

    name = NAME

    #: Its terms forbid automated reading.
    needs_consent = True

    def base_url(self) -> str:
        """Give the address that consent is recorded for: LINKEDIN_URL."""
        base: str = settings.LINKEDIN_URL
        return base


def check_linkedin(
    path: str = "", query: str = "", location: str = "", max_results: object = 1_000
) -> dict[str, Any]:
    """Give the parameters in one spelling, or raise InvalidInput."""
    if not isinstance(max_results, int) or not 1 <= max_results <= _MOST_RESULTS:
        raise InvalidInput(
            f"max_results is {max_results!r}: write a whole number from 1 to"
            f" {_MOST_RESULTS}."
        )
    if not path and not query.strip():
        raise InvalidInput(
            "Nothing is named: give the path of a Connections.csv or of a saved page, or"
            " a query."
        )
    return {
        "path": path,
        "query": query.strip()[:200],
        "location": location.strip()[:200],
        "max_results": max_results,
    }


def gather_from_linkedin(**parameters: Any) -> dict[str, Any]:
    """Read a file, or ask the guests' list; return job_id, outcome, reason and counts.

    Raises InvalidInput, ConsentMissingError where robots.txt would allow the list and
    nobody has recorded consent, RateLimited and TransientError.
    """
    checked = check_linkedin(**parameters)
    if not checked["path"]:
        return _read_live(checked)
    job = open_job(NAME, checked)
    if job.is_finished:
        return job.as_result()
    saved = read_saved_file(Path(checked["path"]))
    if saved.has_text and is_markup(saved.text) and not is_contacts(saved.text):
        read_saved_feed(job, checked["path"], read_jobs, _origin(""))
    elif saved.has_text:
        _store_contacts(job, read_contacts(saved.text))
    else:
        end_job(job, saved.outcome, saved.reason)
    return job.as_result()


def _origin(url: str) -> Origin:
    return Origin(source=NAME, board="jobs", url=url, fetched_at=timezone.now())


def _read_live(checked: dict[str, Any]) -> dict[str, Any]:
    url = guest_list_url(settings.LINKEDIN_URL, checked["query"], checked["location"])
    # What robots.txt denies needs no consent to be told so.
    if robots_for(url).allows(url):
        require_consent(LinkedIn())
    job = open_job(NAME, checked)
    if not job.is_finished:
        read_feed(job, Feed("LinkedIn", url, read_jobs, _origin(url)))
    return job.as_result()


def _store_contacts(job: ScrapeJob, read: Contacts) -> None:
    """Store the companies of contacts; a run that was interrupted goes on after them."""
    wanted = job.parameters["max_results"]
    records = contact_records(read.contacts)
    for done in range(job.cursor.get("done", 0), min(len(records), wanted), _BATCH):
        progress(done, len(records), "contacts")
        with transaction.atomic():
            store_companies(job, records[done : min(done + _BATCH, wanted)])
            job.counts["listed"] = len(read.contacts)
            job.cursor["done"] = done + _BATCH
            job.save(update_fields=["counts", "cursor", "filled", "updated_at"])
    end_job(job, read.outcome, read.reason)


def contact_records(contacts: list[Contact]) -> list[LeadRecord]:
    """Make a record of each company, or of a person who works for none. Pure but the time."""
    companies: dict[str, list[Contact]] = {}
    for each in contacts:
        name = normalise_name(each.company or each.name)
        companies.setdefault(name or each.url, []).append(each)
    now = timezone.now()
    return [
        LeadRecord(
            values={
                "name": people[0].company or people[0].name,
                "email": next((each.email for each in people if each.email), ""),
                "description": _described(people),
            },
            source=NAME,
            url="",
            fetched_at=now,
            listing_key=f"{NAME}:company:{name}",
        )
        for name, people in companies.items()
    ]


def _described(people: list[Contact]) -> str:
    named = [
        f"{each.name} ({each.position})" if each.position else each.name
        for each in people
        if each.name
    ]
    more = len(named) - _PEOPLE
    shown = ", ".join(named[:_PEOPLE]) + (f" and {more} more" if more > 0 else "")
    return f"Contacts on LinkedIn: {shown}." if shown else ""
