"""Check a scrape before it is enqueued: its source, its arguments and its leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fliptech_site.errors import InvalidInput
from leads.consents import require_consent
from leads.job_board_scraping import check_board
from leads.linkedin_scraping import check_linkedin
from leads.place_scraping import check_places
from leads.sources import find_source
from tasks.declaring import RESERVED, check_arguments, find_actor


def _check_craigslist(**given: Any) -> dict[str, Any]:
    source = find_source("craigslist")
    defaults = {"location": "sfbay", "category": "bbb", "max_results": 100}
    checked = source.check(defaults | given)
    require_consent(source)
    return checked


#: Source's name -> what gives its arguments in one spelling, or raises.
CHECKS: dict[str, Callable[..., dict[str, Any]]] = {
    "craigslist": _check_craigslist,
    "google_maps": check_places,
    "job_boards": check_board,
    "linkedin": check_linkedin,
}


def check_scrape(
    source: str, arguments: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Give the actor that scrapes a source, and its arguments in one spelling.

    What can't work is said here and not by a failed task. Raises InvalidInput,
    ConsentMissingError for a source that is off, KeyMissingError for one without key.
    """
    if source not in CHECKS:
        known = ", ".join(repr(each) for each in CHECKS)
        raise InvalidInput(f"There is no source {source!r}: write one of {known}.")
    if arguments.keys() & RESERVED:
        words = ", ".join(sorted(arguments.keys() & RESERVED))
        raise InvalidInput(f"{source} takes no {words}: they belong to the task.")
    actor = f"scrape_{source}"
    check_arguments(find_actor(actor), (), dict(arguments))
    return actor, CHECKS[source](**arguments)
