"""Polite fetching: each fetch ends in a typed outcome and a row that says why."""

from __future__ import annotations

import socket
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from leads.fetching import fetch
from leads.models import Fetch, HostPause, RobotsFile, ScrapeJob
from leads.outcomes import Outcome
from leads.throttling import MAX_STRIKES, Patience
from tasks.limits import take
from tests.leads.web import Reply

pytestmark = pytest.mark.django_db


def test_a_good_page_is_ok_and_its_row_says_so(web, patience):
    page = fetch(web.put("shop", "/", "<p>hello"), patience=patience)
    assert (page.outcome, page.text) == (Outcome.OK, "<p>hello")
    row = Fetch.objects.get(purpose="page")
    assert (row.outcome, row.status, row.bytes) == ("ok", 200, 8)
    assert row.host == f"shop.localhost:{web.port}"
    assert row.finished_at is not None


def test_the_row_is_there_before_the_request_goes_out(web, patience):
    seen = []

    def answer():
        seen.append(len(web.requests))
        return Reply("x")

    url = web.put_function("shop", "/", answer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("leads.fetching._fetch", lambda *_: seen.append(Fetch.objects.get().outcome) or 1 / 0)  # fmt: skip
        with pytest.raises(ZeroDivisionError):
            fetch(url, patience=patience)
    assert seen == [""]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(401, "blocked"), (403, "blocked"), (451, "blocked"), (404, "error"),
     (410, "error"), (418, "error"), (500, "error")],
)  # fmt: skip
def test_a_refusal_is_told_apart_from_an_error(web, patience, status, outcome):
    page = fetch(web.put("shop", "/", "<p>x", status=status), patience=patience)
    assert page.outcome == outcome
    assert str(status) in page.reason
    assert page.text == ""


def test_an_image_is_no_page(web, patience):
    url = web.put("shop", "/", b"\x89PNG", content_type="image/png")
    page = fetch(url, patience=patience)
    assert page.outcome == Outcome.ERROR
    assert "image/png" in page.reason


def test_a_page_without_a_character_is_empty_and_not_ok(web, patience):
    assert fetch(web.put("shop", "/", "  \n"), patience=patience).outcome == "empty"


def test_a_private_address_is_an_error_with_its_reason(web, patience):
    page = fetch(f"http://127.0.0.1:{web.port}/", patience=patience)
    assert page.outcome == Outcome.ERROR
    assert "private network" in page.reason
    assert web.requests == []


def test_robots_txt_is_asked_once_and_obeyed(web, patience):
    web.put("shop", "/robots.txt", "User-agent: *\nDisallow: /private")
    for path in ("/private/a", "/private/b"):
        page = fetch(web.put("shop", path, "x"), patience=patience)
        assert page.outcome == Outcome.DENIED_BY_ROBOTS
    assert fetch(web.put("shop", "/", "x"), patience=patience).outcome == "ok"
    assert web.asked("shop") == ["/robots.txt", "/"]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_robots_txt_that_is_not_there_allows_everything(web, patience, status):
    web.put("shop", "/robots.txt", "User-agent: *\nDisallow: /", status=status)
    assert fetch(web.put("shop", "/", "x"), patience=patience).outcome == "ok"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_robots_txt_that_can_not_be_read_forbids_everything(web, patience, status):
    web.put("shop", "/robots.txt", status=status)
    page = fetch(web.put("shop", "/", "x"), patience=patience)
    assert page.outcome == Outcome.DENIED_BY_ROBOTS
    assert str(status) in page.reason
    assert web.asked("shop") == ["/robots.txt"]


def test_an_old_copy_serves_while_robots_txt_is_unreachable(web, patience):
    web.put("shop", "/robots.txt", "User-agent: *\nDisallow: /private")
    fetch(web.put("shop", "/", "x"), patience=patience)
    RobotsFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    web.put("shop", "/robots.txt", status=500)
    assert fetch(web.url("shop", "/"), patience=patience).outcome == "ok"
    page = fetch(web.put("shop", "/private", "x"), patience=patience)
    assert page.outcome == Outcome.DENIED_BY_ROBOTS


def test_robots_txt_is_read_up_to_its_limit(web, patience):
    filler = "# " + "x" * 98 + "\n"
    rules = "User-agent: *\nDisallow: /early\n" + filler * 6000 + "Disallow: /late\n"
    web.put("shop", "/robots.txt", rules)
    assert fetch(web.put("shop", "/late", "x"), patience=patience).outcome == "ok"
    page = fetch(web.put("shop", "/early", "x"), patience=patience)
    assert page.outcome == Outcome.DENIED_BY_ROBOTS


def test_a_redirect_to_another_host_asks_its_robots_txt_too(web, patience):
    web.put("other", "/robots.txt", "User-agent: *\nDisallow: /")
    to = {"Location": web.put("other", "/", "x")}
    url = web.put("shop", "/", status=302, headers=to)
    page = fetch(url, patience=patience)
    assert page.outcome == Outcome.DENIED_BY_ROBOTS
    assert web.asked("other") == ["/robots.txt"]


def test_a_redirect_into_a_private_network_is_an_error(web, patience):
    to = {"Location": f"http://127.0.0.1:{web.port}/x"}
    page = fetch(web.put("shop", "/", status=302, headers=to), patience=patience)
    assert (page.outcome, web.asked("127")) == (Outcome.ERROR, [])


def test_a_crawl_delay_is_kept_between_every_two_requests(web, patience):
    web.put("shop", "/robots.txt", "User-agent: *\nCrawl-delay: 0.4")
    url = web.put("shop", "/", "x")
    began = time.monotonic()
    for _ in range(3):
        assert fetch(url, patience=patience).outcome == Outcome.OK
    assert time.monotonic() - began >= 0.8


def test_a_delay_longer_than_the_patience_is_told_and_takes_no_turn(web):
    web.put("shop", "/robots.txt", "User-agent: *\nCrawl-delay: 60")
    url = web.put("shop", "/", "x")
    assert fetch(url, patience=Patience(1)).outcome == "ok"
    waits = []
    for _ in range(3):
        page = fetch(url, patience=Patience(1))
        assert page.outcome == Outcome.RATE_LIMITED
        waits.append(page.retry_after)
    # Giving up three times has not pushed the next turn away.
    assert 50 < waits[-1] <= 60
    assert take(f"fetch:shop.localhost:{web.port}", interval_seconds=60) <= 60


def test_hosts_do_not_wait_for_each_other(web):
    for name in ("one", "two"):
        web.put(name, "/robots.txt", "User-agent: *\nCrawl-delay: 60")
        page = fetch(web.put(name, "/", "x"), patience=Patience(0.5))
        assert page.outcome == Outcome.OK


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_keeps_every_worker_away_from_the_host(web, status):
    url = web.put("shop", "/", status=status, headers={"Retry-After": "120"})
    page = fetch(url, patience=Patience(1))
    assert page.outcome == Outcome.RATE_LIMITED
    assert 118 < page.retry_after <= 120
    again = fetch(web.put("shop", "/other", "x"), patience=Patience(1))
    assert again.outcome == Outcome.RATE_LIMITED
    assert 110 < again.retry_after <= 120
    assert web.asked("shop") == ["/robots.txt", "/"]


def test_retry_after_as_a_date_is_kept_too(web):
    moment = timezone.now() + timedelta(seconds=300)
    date = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    url = web.put("shop", "/", status=429, headers={"Retry-After": date})
    assert 295 < fetch(url, patience=Patience(1)).retry_after <= 300


def test_a_short_pause_is_waited_for(web, patience):
    replies = [Reply(status=429, headers={"Retry-After": "0.3"}), Reply("hello")]
    url = web.put_function("shop", "/", lambda: replies.pop(0))
    assert fetch(url, patience=patience).outcome == Outcome.RATE_LIMITED
    assert fetch(url, patience=patience).text == "hello"
    assert HostPause.objects.get().strikes == 0


def test_a_host_that_refuses_again_and_again_counts_as_blocking_us(web):
    url = web.put("shop", "/", status=429, headers={"Retry-After": "0"})
    outcomes = [fetch(url, patience=Patience(1)).outcome for _ in range(MAX_STRIKES)]
    assert outcomes == ["rate_limited"] * (MAX_STRIKES - 1) + ["blocked"]


def test_without_retry_after_the_pause_doubles(web):
    url = web.put("shop", "/", status=429)
    waits = []
    for _ in range(3):
        waits.append(fetch(url, patience=Patience(1)).retry_after)
        HostPause.objects.update(until=timezone.now())
    assert [round(wait) for wait in waits] == [30, 60, 120]


def test_a_page_that_is_cut_is_partial(web, patience):
    url = web.put("shop", "/", "<p>" + "x" * 3_000_000)
    page = fetch(url, patience=patience)
    assert page.outcome == Outcome.PARTIAL
    assert page.text.startswith("<p>xxx")


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    [
        (200, "User-agent: *\nDisallow: /x", "ok", ""),
        (200, "", "empty", "robots.txt is empty: it forbids nothing."),
        (404, "no", "empty", "There is no robots.txt (404): it forbids nothing."),
        (403, "no", "empty", "There is no robots.txt (403): it forbids nothing."),
        (429, "", "rate_limited", "robots.txt was answered with 429 Too Many Requests."),
        (500, "", "error", "robots.txt was answered with 500."),
        (200, "#" * 600_000, "partial", "robots.txt is longer than the 512000 bytes that are read."),
    ],
)  # fmt: skip
def test_the_request_for_robots_txt_is_a_row_of_its_own(
    web, patience, status, body, outcome, reason
):
    job = ScrapeJob.objects.create(source="craigslist")
    asked = web.put("shop", "/robots.txt", body, status=status)
    fetch(web.put("shop", "/", "x"), patience=patience, job=job)
    row = Fetch.objects.get(purpose="robots")
    assert (row.url, row.status, row.outcome, row.reason) == (
        asked, status, outcome, reason,
    )  # fmt: skip
    assert (row.job, row.host) == (job, f"shop.localhost:{web.port}")
    assert row.bytes == min(len(body), 512_000)
    assert row.finished_at is not None
    assert row.elapsed_ms is not None


def test_robots_txt_that_is_known_is_asked_no_second_time_and_has_one_row(
    web, patience
):
    for path in ("/a", "/b", "/c"):
        fetch(web.put("shop", path, "x"), patience=patience)
    purposes = Fetch.objects.order_by("pk").values_list("purpose", flat=True)
    assert list(purposes) == ["page", "robots", "page", "page"]


def test_a_host_that_does_not_answer_has_a_row_for_its_robots_txt(settings, patience):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # Nobody listens there any more below.
    settings.FETCH_ALLOWED_PRIVATE = [f"*.localhost:{port}"]
    settings.FETCH_RETRIES = 0
    page = fetch(f"http://gone.localhost:{port}/", patience=patience)
    assert page.outcome == Outcome.DENIED_BY_ROBOTS
    row = Fetch.objects.get(purpose="robots")
    assert (row.outcome, row.status) == ("error", None)
    assert "robots.txt could not be read" in row.reason


def test_robots_txt_that_leads_inwards_is_a_row_and_no_request(web, patience):
    to = {"Location": f"http://127.0.0.1:{web.port}/robots.txt"}
    web.put("shop", "/robots.txt", status=302, headers=to)
    fetch(web.put("shop", "/", "x"), patience=patience)
    row = Fetch.objects.get(purpose="robots")
    assert (row.outcome, web.asked("127")) == ("error", [])
    assert "private network" in row.reason


def test_redirects_are_kept_in_their_order(web, patience):
    last = web.put("shop", "/c", "x")
    middle = web.put("shop", "/b", status=302, headers={"Location": last})
    first = web.put("shop", "/a", status=301, headers={"Location": "/b"})
    fetch(first, patience=patience)
    row = Fetch.objects.get(purpose="page")
    assert (row.url, row.redirects, row.final_url) == (first, [first, middle], last)


def test_redirects_to_what_robots_txt_forbids_are_kept_too(web, patience):
    web.put("other", "/robots.txt", "User-agent: *\nDisallow: /")
    to = {"Location": web.put("other", "/", "x")}
    first = web.put("shop", "/", status=302, headers=to)
    fetch(first, patience=patience)
    row = Fetch.objects.get(purpose="page")
    assert (row.outcome, row.redirects) == ("denied_by_robots", [first])
