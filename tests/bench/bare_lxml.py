"""Bare lxml: the shortest program that reads the rows of a list, and stores nothing."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import lxml.html

from tests.bench.sample_pages import list_page


class _Row(NamedTuple):
    url: str
    title: str
    price: str
    place: str


class Driver:
    """Reads lists with XPath, as one would write it down."""

    def read_lists(self, rows: int, lists: int) -> float:
        """Read lists; return the seconds that the reading took."""
        pages = [list_page(rows, batch=batch) for batch in range(lists)]
        began = time.perf_counter()
        for page in pages:
            assert len(_read(page)) == rows
        return time.perf_counter() - began


def _read(page: bytes) -> list[_Row]:
    tree = lxml.html.document_fromstring(page)
    rows: Any = tree.xpath(
        "//ol[@class='cl-static-search-results']/li[@class='cl-static-search-result']"
    )
    return [
        _Row(
            row.xpath("string(.//a/@href)"),
            row.xpath("normalize-space(.//div[@class='title'])"),
            row.xpath("normalize-space(.//div[@class='price'])"),
            row.xpath("normalize-space(.//div[@class='location'])"),
        )
        for row in rows
    ]
