"""From a board to its companies as leads, over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fliptech_site.errors import InvalidInput, RateLimited
from leads.job_board_scraping import scrape_job_board
from leads.models import Lead, Posting, ScrapeJob
from tasks.models import Task
from tests.leads import board_shapes as shapes
from tests.leads.web import Reply

pytestmark = pytest.mark.django_db
JSON: dict[str, Any] = {"content_type": "application/json"}


@pytest.fixture
def boards(web, settings):
    settings.JOB_BOARD_URLS = {
        name: web.url("board", "").rstrip("/")
        for name in (
            "greenhouse",
            "lever",
            "smartrecruiters",
            "we_work_remotely",
            "hacker_news",
        )
    }
    return web


def test_a_company_that_hires_is_a_lead_with_its_jobs(boards):
    boards.put(
        "board", "/v1/boards/harbor/jobs", shapes.greenhouse("Welder", "Driver"), **JSON
    )
    result = scrape_job_board(board="greenhouse", company="harbor")
    assert (result["outcome"], result["leads_created"], result["listed"]) == (
        "ok",
        1,
        2,
    )
    lead = Lead.objects.get()
    assert (lead.name, lead.hiring) == ("Harbor Works", "Welder; Driver")
    assert (lead.city, lead.region) == ("Duluth", "MN")
    assert lead.website == "https://harborworks.example/"
    assert Posting.objects.filter(lead=lead).count() == 2
    assert Task.objects.get().actor == "scrape_website"
    again = scrape_job_board(board="greenhouse", company="harbor")
    assert (again["outcome"], again["leads_known"], again["new_postings"]) == (
        "ok",
        1,
        0,
    )
    assert Task.objects.count() == 1


def test_a_name_that_stands_only_in_the_address_is_a_headline(boards):
    boards.put("board", "/v0/postings/gear-and-son?mode=json", shapes.LEVER, **JSON)
    scrape_job_board(
        board="Lever", company="gear-and-son", website="https://gear.example/"
    )
    lead = Lead.objects.get()
    assert (lead.name, lead.website) == ("Gear And Son", "https://gear.example/")
    assert lead.facts.get(field="name").source == "headline"


def test_all_pages_are_read_and_the_total_is_checked(boards):
    path = "/v1/companies/NorthStores/postings?limit=100&offset="
    boards.put("board", f"{path}0", shapes.smartrecruiters(0, 3), **JSON)
    boards.put("board", f"{path}2", shapes.smartrecruiters(2, 3), **JSON)
    result = scrape_job_board(board="smartrecruiters", company="NorthStores")
    assert (result["outcome"], result["listed"], result["pages"]) == ("ok", 3, 2)
    short = json.loads(shapes.smartrecruiters(0, 2)) | {"totalFound": 9}
    short["content"] = []
    boards.put(
        "board",
        f"{path}0",
        json.dumps(
            short | json.loads(shapes.smartrecruiters(0, 2)) | {"totalFound": 9}
        ),
        **JSON,
    )
    boards.put("board", f"{path}2", json.dumps(short), **JSON)
    fewer = scrape_job_board(board="smartrecruiters", company="NorthStores")
    assert fewer["outcome"] == "partial"
    assert "7 fewer" in fewer["reason"]


def test_the_thread_is_found_and_read(boards):
    boards.put(
        "board",
        "/api/v1/search_by_date?tags=story,author_whoishiring&hitsPerPage=10",
        shapes.stories(),
        **JSON,
    )
    boards.put("board", "/api/v1/items/902", shapes.THREAD, **JSON)
    result = scrape_job_board(board="hacker_news")
    assert (result["outcome"], result["leads_created"]) == ("ok", 2)
    assert set(Posting.objects.values_list("attribution", flat=True)) == {"Hacker News"}
    assert not Lead.objects.exclude(email="").exists()


def test_max_results_bounds_the_leads(boards):
    boards.put(
        "board",
        "/remote-jobs.rss",
        shapes.WE_WORK_REMOTELY,
        content_type="application/rss+xml",
    )
    result = scrape_job_board(board="we_work_remotely", max_results=1)
    assert (result["outcome"], result["leads_found"]) == ("ok", 1)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(status=404), "error"),
        (Reply("<title>Just a moment...</title>"), "blocked"),
        (Reply("x", status=403), "blocked"),
        (Reply('{"jobs": [], "meta": {"total": 0}}', **JSON), "empty"),
        (Reply("{}", **JSON), "markup_changed"),
    ],
)
def test_a_zero_always_says_why(boards, reply, outcome):
    boards.put_function("board", "/v1/boards/harbor/jobs", lambda: reply)
    result = scrape_job_board(board="greenhouse", company="harbor")
    assert (result["outcome"], result["leads_found"]) == (outcome, 0)
    assert result["reason"]


def test_robots_txt_is_obeyed(boards):
    boards.put("board", "/robots.txt", "User-agent: *\nDisallow: /v1/")
    result = scrape_job_board(board="greenhouse", company="harbor")
    assert result["outcome"] == "denied_by_robots"


def test_a_limit_lets_the_scrape_wait_and_go_on_at_its_page(boards, monkeypatch):
    monkeypatch.setattr("leads.feed_reading._PATIENCE_SECONDS", 0.3)
    path = "/v1/companies/NorthStores/postings?limit=100&offset="
    boards.put("board", f"{path}0", shapes.smartrecruiters(0, 3), **JSON)
    boards.put("board", f"{path}2", status=429, headers={"Retry-After": "1"})
    with pytest.raises(RateLimited):
        scrape_job_board(board="smartrecruiters", company="NorthStores")
    assert ScrapeJob.objects.get().state == "waiting"
    boards.put("board", f"{path}2", shapes.smartrecruiters(2, 3), **JSON)
    monkeypatch.setattr("leads.feed_reading._PATIENCE_SECONDS", 5)
    result = scrape_job_board(board="smartrecruiters", company="NorthStores")
    assert (result["outcome"], result["listed"]) == ("ok", 3)
    assert boards.asked("board").count(f"{path}0") == 1


def test_a_saved_answer_is_imported_without_asking_anybody(boards, tmp_path):
    file = tmp_path / "board.json"
    file.write_text(shapes.WORKABLE)
    result = scrape_job_board(path=str(file))
    assert (result["outcome"], result["leads_created"]) == ("ok", 1)
    assert Lead.objects.get().name == "Dune Tours"
    assert boards.requests == []
    lost = scrape_job_board(path=str(tmp_path / "nothing.json"))
    assert (lost["outcome"], "can't be read" in lost["reason"]) == ("error", True)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"board": "monster"}, "'greenhouse'"),
        ({"board": "lever"}, "one company at a time"),
        ({"board": "company_page", "company": "harbor"}, "web address"),
        ({"board": "remote_ok", "max_results": 0}, "from 1 to"),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_asked(boards, wrong, hint):
    with pytest.raises(InvalidInput, match=hint):
        scrape_job_board(**wrong)
    assert not ScrapeJob.objects.exists()
