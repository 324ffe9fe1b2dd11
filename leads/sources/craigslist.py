"""The source Craigslist: businesses that advertise their services.

Its terms of use forbid automated reading, so it is off until the owner of the
installation records consent. There is no paging since 2026: one request gives the
first rows, about 360 at most; narrower categories give others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from fliptech_site.errors import InvalidInput
from leads.outcomes import Outcome
from leads.sources import craigslist_pages, craigslist_postings
from leads.sources.base import OUTCOMES, ListPage, PageReading, PageState, PostingPage
from leads.sources.craigslist_places import find_area, find_category

#: More than one list page can carry.
_MAX_RESULTS = 360


class Craigslist:
    """Craigslist's list of one category in one area."""

    name = "craigslist"
    needs_consent = True

    def base_url(self) -> str:
        """Give the address that consent is recorded for: CRAIGSLIST_URL."""
        base: str = settings.CRAIGSLIST_URL
        return base

    def check(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Give location, category and max_results in one spelling, or InvalidInput."""
        count = parameters.get("max_results", 100)
        if not isinstance(count, int) or not 1 <= count <= _MAX_RESULTS:
            raise InvalidInput(
                f"max_results is {count!r}: write a whole number from 1 to"
                f" {_MAX_RESULTS}, the most that one list page carries."
            )
        return {
            "location": find_area(str(parameters.get("location", ""))).name,
            "category": find_category(str(parameters.get("category", ""))),
            "max_results": count,
        }

    def list_url(self, parameters: Mapping[str, Any]) -> str:
        """Give the address of the list; only the host of CRAIGSLIST_URL answers it."""
        query = urlencode({"cat": parameters["category"]})
        return f"{self.base_url()}/search/area/{parameters['location']}?{query}"

    def region(self, parameters: Mapping[str, Any]) -> str:
        """Give the country of the area; saved pages name none and are of the US."""
        location = parameters.get("location")
        return find_area(location).country if location else "US"

    def read_list(self, text: str, *, url: str) -> ListPage:
        """Read a list page; never raises."""
        return craigslist_pages.read_list(text, url=url)

    def read_posting(self, text: str) -> PostingPage:
        """Read a posting's page; never raises."""
        return craigslist_postings.read_posting(text)


def read_page(text: str, url: str) -> PageReading:
    """Read a saved page, a list or a posting; never raises."""
    url = url or "https://www.craigslist.org/"
    posting = craigslist_postings.read_posting(text)
    is_posting = posting.state in (PageState.CONTENT, PageState.REMOVED)
    if is_posting or craigslist_pages.posting_key(url):
        return _posting_reading(posting, url)
    listed = craigslist_pages.read_list(text, url=url)
    more = {"kind": "list", "rows": len(listed.rows), "unreadable": listed.unreadable}
    if listed.rows and listed.unreadable:
        total = len(listed.rows) + listed.unreadable
        reason = f"{listed.unreadable} of {total} rows have no link that is known."
        return PageReading(
            Outcome.PARTIAL, reason, [_item(row._asdict()) for row in listed.rows], more
        )
    items = [_item(row._asdict()) for row in listed.rows]
    return PageReading(OUTCOMES[listed.state], listed.reason, items, more)


def _posting_reading(posting: PostingPage, url: str) -> PageReading:
    more = {"kind": "posting", "state": str(posting.state)}
    if posting.state != PageState.CONTENT:
        return PageReading(OUTCOMES[posting.state], posting.reason, more=more)
    item = _item(
        {
            "key": craigslist_pages.posting_key(url),
            "url": url,
            "title": posting.headline,
            **posting.values,
            **posting.details,
            "expires_at": posting.expires_at and posting.expires_at.isoformat(),
        }
    )
    return PageReading(Outcome.OK, "", [item], more)


def _item(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", None)}
