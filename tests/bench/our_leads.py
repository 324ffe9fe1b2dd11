"""FlipTech Pro's own reading of pages, up to leads in PostgreSQL."""

from __future__ import annotations

import time

import django
import psutil
from django.core.management import call_command
from django.db import transaction

django.setup()

from fliptech_site.decoding import decode  # noqa: E402 - Django comes first
from leads.job_keeping import no_counts  # noqa: E402
from leads.models import Lead, ScrapeJob  # noqa: E402
from leads.page_importing import import_list  # noqa: E402
from leads.pages import parse_html  # noqa: E402
from leads.row_storing import store_rows  # noqa: E402
from leads.sources import find_source  # noqa: E402
from leads.sources.website import read_site_page  # noqa: E402
from leads.structured import read_nodes  # noqa: E402
from tests.bench.sample_pages import list_page, site_page  # noqa: E402

_BASE = "https://www.craigslist.org/search/area/sfbay?cat=bbb"


class Driver:
    """Reads with the product's own readers, from bytes on."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        self._source = find_source("craigslist")
        self._batch = 0

    def read_lists(self, rows: int, lists: int) -> float:
        """Read lists; return the seconds that the reading took."""
        pages = [list_page(rows, batch=batch) for batch in range(lists)]
        began = time.perf_counter()
        for page in pages:
            listed = self._source.read_list(decode(None, page), url=_BASE)
            assert len(listed.rows) == rows
        return time.perf_counter() - began

    def save_lists(self, rows: int, lists: int) -> float:
        """Read lists never seen before and store each row as a lead; return the seconds."""
        pages = self._new_pages(rows, lists)
        before = Lead.objects.count()
        began = time.perf_counter()
        for page in pages:
            listed = self._source.read_list(decode(None, page), url=_BASE)
            store_rows("craigslist", listed.rows)
        seconds = time.perf_counter() - began
        assert Lead.objects.count() - before == rows * lists
        return seconds

    def import_lists(self, rows: int, lists: int) -> float:
        """The same with a job, the frontier and a task to score each lead."""
        pages = self._new_pages(rows, lists)
        began = time.perf_counter()
        for page in pages:
            job = ScrapeJob(source="craigslist", counts=no_counts())
            job.parameters = {"batch": time.perf_counter_ns()}
            job.save()
            listed = self._source.read_list(decode(None, page), url=_BASE)
            with transaction.atomic():
                import_list(self._source, job, listed)
        return time.perf_counter() - began

    def _new_pages(self, rows: int, lists: int) -> list[bytes]:
        first, self._batch = self._batch + 1, self._batch + lists
        return [list_page(rows, batch=first + number) for number in range(lists)]

    def structured(self, pages: int) -> float:
        """Read JSON-LD and microdata; return the seconds."""
        texts = [site_page(number).decode() for number in range(pages)]
        began = time.perf_counter()
        for text in texts:
            assert len(read_nodes(parse_html(text))) >= 2
        return time.perf_counter() - began

    def growth(self, pages: int) -> list[float]:
        """Read whole sites page after page; return the memory in MB, ten times on the way."""
        process, memory = psutil.Process(), []
        for number in range(pages):
            text = decode(None, site_page(number))
            site = read_site_page(text, url=f"https://shop{number}.example/")
            assert site.emails
            if number % max(pages // 10, 1) == 0:
                memory.append(process.memory_info().rss / 1e6)
        return memory
