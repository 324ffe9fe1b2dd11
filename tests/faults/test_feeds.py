"""Feeds of many parts and areas of many places, whose reader is killed in the middle.

What was stored stays, what was asked for is not asked for again: only the request under
way when the reader died goes out twice.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from leads.models import Lead, Posting, ScrapeJob
from tasks.models import Task
from tests.leads.board_shapes import smartrecruiters
from tests.leads.places_api import KEY, PlacesApi, place
from tests.leads.web import Reply, Web, serving

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
_JOBS, _PART = 14, 2
_PLACES = 70
BOARD = {
    "module": "leads.job_board_scraping",
    "function": "scrape_job_board",
    "arguments": {"board": "smartrecruiters", "company": "NorthStores"},
}
TOWN = {
    "module": "leads.place_scraping",
    "function": "scrape_places",
    "arguments": {
        "query": "plumber", "location": "37,-123,38,-122", "max_results": 500,
    },
}  # fmt: skip


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        thread = serving(server)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def environment(test_environment, web) -> dict[str, str]:
    urls = {"smartrecruiters": web.url("board", "").rstrip("/")}
    return {
        **test_environment,
        "JOB_BOARD_URLS": json.dumps(urls),
        "GOOGLE_PLACES_URL": web.url("places", "").rstrip("/"),
        "GOOGLE_PLACES_API_KEY": KEY,
        "FETCH_ALLOWED_PRIVATE": f"*.localhost:{web.port}",
        "FETCH_DELAY_MS": "0",
    }


def begin(what, environment, *, at="", mark="") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.killed_scrape", json.dumps(what)]
    return subprocess.Popen([*command, at, str(mark)], env=environment)


def run_to_its_end(what, environment, at, tmp_path) -> None:
    """Scrape, be killed at a place, scrape again."""
    mark = tmp_path / "killed"
    ends = [begin(what, environment, at=at, mark=mark).wait(60) for _ in range(2)]
    assert ends == [-signal.SIGKILL, 0]


class Stores:
    """A board of seven parts; each company of it hires twice, in two parts."""

    def __init__(self, web: Web) -> None:
        web.services["board"] = self._answer
        self.asked: Counter[int] = Counter()

    def _answer(self, _: str, path: str, *__: Any) -> Reply:
        if "offset=" not in path:
            return Reply(status=404)
        offset = int(path.rpartition("=")[2])
        self.asked[offset] += 1
        part = json.loads(smartrecruiters(offset, _JOBS, _PART))
        for job in part["content"]:
            name = f"Store {int(job['id']) % (_JOBS // 2)}"
            job["company"] = {"identifier": name, "name": name}
        return Reply(json.dumps(part), content_type="application/json")


def assert_the_board_is_whole(stores: Stores, *, twice: set[int]) -> None:
    job = ScrapeJob.objects.get()
    assert (job.outcome, job.reason, job.stop_reason) == ("ok", "", "end_of_list")
    assert Lead.objects.count() == _JOBS // 2
    assert set(Posting.objects.values_list("key", flat=True)) == {
        f"smartrecruiters:{700 + number}" for number in range(_JOBS)
    }
    told = {
        "leads_found": 7, "leads_created": 7, "leads_merged": 0, "listed": _JOBS,
        "new_postings": _JOBS, "pages": sum(stores.asked.values()),
    }  # fmt: skip
    assert told.items() <= job.counts.items()
    assert {offset for offset, times in stores.asked.items() if times == 2} == twice
    assert max(stores.asked.values()) <= 2
    assert Task.objects.filter(actor="analyze_lead").count() == 7
    # Every job of both parts that name a company stands in its lead.
    assert all(lead.hiring.count(";") == 1 for lead in Lead.objects.all())


@pytest.mark.parametrize(
    ("at", "twice"),
    [
        ("leads.feed_reading:_keep:before:4", {6}),
        ("leads.feed_reading:_keep:after:4", set()),
        ("leads.vacancy_storing:store_records:after:4", {6}),
        ("leads.feed_reading:store_vacancies:after:4", {6}),
        ("leads.feed_reading:_finish:before:1", set()),
    ],
)
def test_a_board_whose_reader_is_killed_is_read_once(
    web, environment, tmp_path, at, twice
):
    stores = Stores(web)
    run_to_its_end(BOARD, environment, at, tmp_path)
    assert_the_board_is_whole(stores, twice=twice)


class Town:
    """An area of two rectangles, told by ids, page by page, and asked about one by one."""

    def __init__(self, web: Web) -> None:
        self.api = PlacesApi(
            [place(n, 37.1 + n % 2 * 0.5, -122.9 + n * 0.01) for n in range(_PLACES)]
        )
        self.reader: subprocess.Popen[bytes] | None = None
        #: Requests at which the reader is killed, counted over all.
        self.kills: set[int] = set()
        self.asked = 0
        #: What was under way when the reader died.
        self.lost: list[str] = []
        web.services["places"] = self._answer

    def _answer(self, method: str, path: str, headers: Any, body: bytes) -> Reply:
        self.asked += 1
        if self.asked in self.kills and self.reader:
            self.lost.append(body.decode() or path.rpartition("/")[2])
            self.reader.send_signal(signal.SIGKILL)
            self.reader.wait(30)
        return self.api(method, path, headers, body)


def assert_the_town_is_whole(town: Town, searches: int) -> None:
    job = ScrapeJob.objects.get()
    assert (job.outcome, job.reason, job.stop_reason) == ("ok", "", "end_of_list")
    assert Lead.objects.count() == Posting.objects.filter(state="read").count()
    told = {
        "leads_found": _PLACES, "leads_created": _PLACES, "listed": _PLACES,
        "pages": town.asked - len(town.lost),
    }  # fmt: skip
    assert told.items() <= job.counts.items()
    assert job.filled["phone"] == _PLACES
    assert Task.objects.filter(actor="scrape_website").count() == _PLACES
    once = Counter(town.api.details)
    assert {key for key, times in once.items() if times > 1} == {
        each for each in town.lost if each.startswith("ChIJ")
    }
    lost = sum(each.startswith("{") for each in town.lost)
    assert len(town.api.searches) == searches + lost


def test_an_area_whose_reader_is_killed_is_searched_and_asked_about_once(
    web, environment
):
    town = Town(web)
    # In each of the pages of the area, of its halves, and among the details.
    town.kills = {2, 4, 6, 8, 10, 15, 40, 41, 77}
    ends = []
    for _ in range(len(town.kills) + 1):
        town.reader = begin(TOWN, environment)
        ends.append(town.reader.wait(60))
    assert ends == [-signal.SIGKILL] * len(town.kills) + [0]
    # Three pages of the whole, which has more than they give, then two of each half.
    assert_the_town_is_whole(town, searches=3 + 2 + 2)


@pytest.mark.parametrize(
    "at",
    [
        "leads.place_searching:_remember:after:2",
        "leads.place_searching:_move_on:after:3",
        "leads.place_searching:_search_page:after:3",
        "leads.place_scraping:store_record:after:5",
        "leads.place_scraping:_store:after:5",
        "leads.place_scraping:_finish:before:1",
    ],
)
def test_an_area_whose_reader_is_killed_beside_a_commit_is_whole(
    web, environment, tmp_path, at
):
    town = Town(web)
    run_to_its_end(TOWN, environment, at, tmp_path)
    job = ScrapeJob.objects.get()
    assert (job.outcome, job.counts["leads_created"]) == ("ok", _PLACES)
    assert Lead.objects.count() == _PLACES
    is_uncommitted = "_remember" in at or "_move_on" in at
    assert len(town.api.searches) == 7 + is_uncommitted
    assert len(town.api.details) == _PLACES + ("store_record" in at)
    assert job.counts["pages"] == town.asked


def test_a_place_that_can_not_be_read_is_asked_about_once_for_all_kills(
    web, environment, tmp_path
):
    town = Town(web)
    town.api.places[0].pop("displayName")
    at = "leads.place_scraping:_store:after:5"
    run_to_its_end(TOWN, environment, at, tmp_path)
    job = ScrapeJob.objects.get()
    assert (job.outcome, job.reason) == (
        "partial",
        f"1 of {_PLACES} places could not be read.",
    )
    assert len(set(town.api.details)) == len(town.api.details) == _PLACES
