"""Where leads come from: one file per source behind `leads.sources.base`."""

from __future__ import annotations

from fliptech_site.errors import InvalidInput
from leads.sources import (
    craigslist,
    google_answers,
    job_boards,
    linkedin,
    website_reading,
)
from leads.sources.base import PageReader, Source
from leads.sources.craigslist import Craigslist

#: The sources that list businesses, by name.
LISTING_SOURCES: dict[str, Source] = {"craigslist": Craigslist()}


def find_source(name: str) -> Source:
    """Give a listing source. Raises InvalidInput naming those there are."""
    if name not in LISTING_SOURCES:
        known = ", ".join(repr(each) for each in LISTING_SOURCES)
        raise InvalidInput(f"There is no source {name!r}: write one of {known}.")
    return LISTING_SOURCES[name]


#: How saved pages of each source are read, for `explain page`.
PAGE_READERS: dict[str, PageReader] = {
    "craigslist": craigslist.read_page,
    "google_maps": google_answers.read_page,
    "linkedin": linkedin.read_page,
    **job_boards.PAGE_READERS,
    "website": website_reading.read_page,
}
