"""When a feed of several parts is read no further, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from leads.feed_reading import Feed, read_feed
from leads.job_board_scraping import scrape_job_board
from leads.job_keeping import open_job
from leads.models import Lead, Posting, ScrapeJob
from leads.sources.job_boards import hacker_news, smartrecruiters
from leads.vacancy_storing import Origin
from tasks.current import Claim, set_current_claim
from tasks.enqueueing import enqueue
from tests.leads import board_shapes as shapes
from tests.leads.web import Reply

pytestmark = pytest.mark.django_db
JSON: dict[str, Any] = {"content_type": "application/json"}
STORES = "/v1/companies/NorthStores/postings?limit=100&offset="
ORIGIN = Origin("job_boards", "hacker_news", "", timezone.now())


@pytest.fixture
def stores(web, settings):
    settings.JOB_BOARD_URLS = {"smartrecruiters": web.url("board", "").rstrip("/")}
    return web


def run() -> dict[str, Any]:
    return scrape_job_board(board="smartrecruiters", company="NorthStores")


def thread_part(page: int, pages: int, *texts: str) -> str:
    hits = [
        {
            "objectID": f"{page}{number}",
            "comment_text": text,
            "parent_id": 902,
            "story_id": 902,
        }
        for number, text in enumerate(texts)
    ]
    return json.dumps({"hits": hits, "page": page, "nbPages": pages, "hitsPerPage": 1})


def read_thread(web, *parts: str) -> ScrapeJob:
    for number, part in enumerate(parts):
        web.put("board", f"/api/v1/search?page={number}", part, **JSON)
    job = open_job("job_boards", {"max_results": 100})
    url = web.url("board", "/api/v1/search?page=0")
    read_feed(job, Feed("HN", url, hacker_news.read, ORIGIN))
    return job


def test_a_board_that_gives_the_same_part_again_and_again_is_left(stores):
    for offset in range(0, 100, 2):
        part = json.loads(shapes.smartrecruiters(0, 2)) | {"totalFound": 100}
        part["offset"] = offset
        stores.put("board", f"{STORES}{offset}", json.dumps(part), **JSON)
    result = run()
    assert (result["outcome"], result["listed"], result["pages"]) == ("partial", 2, 2)
    assert result["reason"] == "The board says it has 100 jobs and gave 98 fewer."
    assert ScrapeJob.objects.get().stop_reason == "nothing_new"


def test_a_thread_that_repeats_itself_says_why_it_was_left(web):
    same = ["Loom Labs | Weaver | Berlin", "Acme | Smith | Oslo"]
    parts = [thread_part(page, 50, *same) for page in range(50)]
    parts = [part.replace('"10"', '"00"').replace('"11"', '"01"') for part in parts]
    job = read_thread(web, *parts)
    assert (job.outcome, job.counts["pages"], job.counts["listed"]) == ("ok", 2, 2)
    assert "repeats what came before" in job.reason
    assert job.stop_reason == "nothing_new"


def test_a_part_of_mere_talk_ends_no_feed(web):
    job = read_thread(
        web,
        thread_part(0, 3, "Loom Labs | Weaver | Berlin"),
        thread_part(1, 3, "Is anybody hiring juniors?"),
        thread_part(2, 3, "Acme | Smith | Oslo"),
    )
    assert (job.outcome, job.stop_reason) == ("ok", "end_of_list")
    assert sorted(Lead.objects.values_list("name", flat=True)) == ["Acme", "Loom Labs"]


def test_a_part_that_repeats_some_ends_no_feed_and_hides_no_loss(stores):
    first = json.loads(shapes.smartrecruiters(0, 6))
    # A job was added meanwhile: all others have moved on by one.
    second = json.loads(shapes.smartrecruiters(1, 6)) | {"offset": 2}
    third = json.loads(shapes.smartrecruiters(3, 6)) | {"offset": 4}
    for part in (first, second, third):
        stores.put("board", f"{STORES}{part['offset']}", json.dumps(part), **JSON)
    result = run()
    assert (result["listed"], result["pages"], result["outcome"]) == (5, 3, "partial")
    assert "1 fewer" in result["reason"]


def test_a_feed_without_end_is_read_in_part(stores, monkeypatch):
    monkeypatch.setattr("leads.feed_reading._MOST_PARTS", 2)
    for offset in (0, 2, 4):
        part = shapes.smartrecruiters(offset, 9)
        stores.put("board", f"{STORES}{offset}", part, **JSON)
    result = run()
    assert (result["outcome"], result["pages"]) == ("partial", 2)
    assert "more than the 2 parts" in result["reason"]
    assert ScrapeJob.objects.get().stop_reason == "max_results"


def test_two_companies_that_are_one_lead_keep_the_jobs_of_both(web):
    part = json.loads(shapes.smartrecruiters(0, 2))
    part["content"][1]["company"] = {"identifier": "Norden", "name": "Norden Ltd"}
    web.put("board", "/all", json.dumps(part), **JSON)
    job = open_job("job_boards", {"max_results": 100})
    site = replace(ORIGIN, website="https://north.example/")
    read_feed(job, Feed("S", web.url("board", "/all"), smartrecruiters.read, site))
    assert Lead.objects.count() == 1
    assert Posting.objects.filter(lead=Lead.objects.get()).count() == 2


def test_a_task_whose_worker_died_after_the_end_scrapes_nothing_again(stores):
    stores.put_function(
        "board", f"{STORES}0", lambda: Reply(shapes.smartrecruiters(0, 2), **JSON)
    )
    task_id = enqueue("scrape_job_boards", board="remote_ok")
    set_current_claim(
        Claim(task_id, 1, "scrape_job_boards", "scraper", 5, [], {}, {}, 0, 3, None)
    )
    try:
        first, again = run(), run()
    finally:
        set_current_claim(None)
    assert first["leads_created"] == 1
    assert again == first
    assert stores.asked("board").count(f"{STORES}0") == 1
    # Another task is another scrape.
    assert run()["job_id"] != first["job_id"]
