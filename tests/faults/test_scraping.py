"""A scrape whose worker is killed loses nothing and stores nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from functools import partial

import pytest

from leads.consents import record_consent
from leads.models import Lead, Posting, ScrapeJob
from tests.leads import craigslist_shapes as shapes
from tests.leads.test_scraping import LIST, path
from tests.leads.web import Reply, Web, serving

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
_LISTINGS = 12
_SCRAPE = (
    "import django; django.setup();"
    "from leads.scraping import scrape;"
    "print(scrape('craigslist', location='sfbay', category='bbb', max_results=100))"
)


class Town:
    """A list of postings whose server kills its reader at every third one."""

    def __init__(self, web: Web) -> None:
        self.asked: Counter[int] = Counter()
        self.reader: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        base = web.url("craigslist", "")
        rows = "".join(shapes.row(number, base=base) for number in range(_LISTINGS))
        web.put("craigslist", LIST, shapes.list_page(rows))
        for number in range(_LISTINGS):
            web.put_function("craigslist", path(number), partial(self._posting, number))

    def _posting(self, number: int) -> Reply:
        with self._lock:
            self.asked[number] += 1
            kills = number % 3 == 2 and self.asked[number] == 1
        if kills and self.reader:
            self.reader.send_signal(signal.SIGKILL)
        text = f"Harbor Plumbing {number} fixes pipes."
        return Reply(shapes.posting(f"Posting {number}", text, place=f"Town {number}"))


def test_a_scrape_that_is_killed_again_and_again_ends_with_every_lead_once(
    settings, test_environment
):
    with Web() as web:
        thread = serving(web)
        settings.CRAIGSLIST_URL = web.url("craigslist", "")
        record_consent("craigslist", settings.CRAIGSLIST_URL)
        town = Town(web)
        environment = {
            **test_environment,
            "CRAIGSLIST_URL": settings.CRAIGSLIST_URL,
            "FETCH_ALLOWED_PRIVATE": f"*.localhost:{web.port}",
            "FETCH_DELAY_MS": "0",
        }
        ends = []
        for _ in range(_LISTINGS):
            town.reader = subprocess.Popen(
                [sys.executable, "-c", _SCRAPE], env=environment
            )
            ends.append(town.reader.wait(60))
            if ends[-1] == 0:
                break
        web.shutdown()
        thread.join()
    assert ends == [-signal.SIGKILL] * (_LISTINGS // 3) + [0]
    assert (
        Lead.objects.count()
        == Posting.objects.filter(state="read").count()
        == _LISTINGS
    )
    # Only the page that was under way when the reader died is asked for twice.
    assert {n for n, times in town.asked.items() if times > 1} <= {2, 5, 8, 11}
    assert max(town.asked.values()) <= 2
    job = ScrapeJob.objects.get()
    assert (job.outcome, job.stop_reason) == ("ok", "end_of_list")
    assert job.counts["leads_created"] == job.filled["read"] == _LISTINGS
    assert web.asked("craigslist").count(LIST) == 1
