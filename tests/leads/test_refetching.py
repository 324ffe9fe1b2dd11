"""Fetching again: stored answers, other tries, and a pace that follows the host."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from leads import fetching
from leads.fetching import fetch
from leads.models import Fetch, HostPace, StoredPage
from leads.outcomes import Outcome
from leads.pacing_rules import RetryBudget
from leads.pruning import prune_scraper_data
from leads.throttling import Patience
from tests.leads.web import Reply

pytestmark = pytest.mark.django_db


def test_a_fresh_answer_is_used_without_asking(web, patience):
    url = web.put("shop", "/", "<p>hello", headers={"Cache-Control": "max-age=60"})
    first, again = (fetch(url, patience=patience) for _ in range(2))
    assert web.asked("shop") == ["/robots.txt", "/"]
    assert (again.outcome, again.text, again.reuse) == (Outcome.OK, "<p>hello", "fresh")
    assert again.content_hash == first.content_hash != ""
    assert [
        row.reuse for row in Fetch.objects.filter(purpose="page").order_by("pk")
    ] == ["", "fresh"]


def test_an_old_answer_is_confirmed_by_the_host(web, patience):
    url = web.put("shop", "/", "<p>hello", headers={"ETag": '"v1"'})
    fetch(url, patience=patience)
    web.put("shop", "/", status=304, headers={"ETag": '"v1"', "Cache-Control": "max-age=60"})  # fmt: skip
    again = fetch(url, patience=patience)
    assert web.headers["If-None-Match"] == '"v1"'
    assert (again.outcome, again.text, again.reuse) == ("ok", "<p>hello", "confirmed")
    # The 304 brought a new lifetime.
    assert fetch(url, patience=patience).reuse == "fresh"


def test_a_page_that_changed_takes_the_place_of_the_stored_one(web, patience):
    stamp = {
        "Last-Modified": "Wed, 25 Nov 2026 08:00:00 GMT",
        "Cache-Control": "no-cache",
    }
    url = web.put("shop", "/", "<p>old", headers=stamp)
    old = fetch(url, patience=patience)
    web.put("shop", "/", "<p>new", headers=stamp)
    new = fetch(url, patience=patience)
    assert web.headers["If-Modified-Since"] == stamp["Last-Modified"]
    assert (new.text, new.reuse) == ("<p>new", "")
    assert new.content_hash != old.content_hash
    assert StoredPage.objects.get().content_hash == new.content_hash


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Cache-Control": "no-store, max-age=60"}},
        {"headers": {"Cache-Control": "max-age=60"}, "status": 404},
        {"headers": {}},
    ],
)
def test_what_may_not_be_kept_is_asked_for_again(web, patience, options):
    url = web.put("shop", "/", "<p>x", **options)
    for _ in range(2):
        assert fetch(url, patience=patience).reuse == ""
    assert web.asked("shop").count("/") == 2
    assert StoredPage.objects.count() == 0


def test_a_stored_page_that_is_damaged_is_fetched_anew(web, patience):
    url = web.put("shop", "/", "<p>x", headers={"Cache-Control": "max-age=60"})
    fetch(url, patience=patience)
    StoredPage.objects.update(body=b"no zlib")
    assert fetch(url, patience=patience).text == "<p>x"


def test_where_a_redirect_leads_may_be_stored_too(web, patience):
    web.put("shop", "/new", "<p>x", headers={"Cache-Control": "max-age=60"})
    url = web.put("shop", "/", status=302, headers={"Location": "/new"})
    for _ in range(2):
        page = fetch(url, patience=patience)
    assert (page.reuse, page.final_url) == ("fresh", web.url("shop", "/new"))
    assert web.asked("shop") == ["/robots.txt", "/", "/new", "/"]


@pytest.fixture
def retrying(web, settings, monkeypatch):
    settings.FETCH_RETRIES = 2
    monkeypatch.setattr(fetching, "_budget", RetryBudget())
    return web


def test_a_fault_of_the_host_is_tried_again(retrying, patience):
    replies = [Reply(status=500), Reply(status=502), Reply("<p>at last")]
    url = retrying.put_function("shop", "/", lambda: replies.pop(0))
    page = fetch(url, patience=patience)
    assert (page.outcome, page.text, page.attempts) == ("ok", "<p>at last", 3)
    assert Fetch.objects.get(purpose="page").attempts == 3


def test_tries_end_after_the_number_that_is_set(retrying, patience):
    url = retrying.put("shop", "/", status=500)
    page = fetch(url, patience=patience)
    assert (page.outcome, page.attempts) == ("error", 3)
    assert retrying.asked("shop").count("/") == 3


@pytest.mark.parametrize("status", [403, 404, 429])
def test_what_another_try_can_not_change_is_asked_once(retrying, patience, status):
    fetch(retrying.put("shop", "/", status=status), patience=patience)
    assert retrying.asked("shop").count("/") == 1


def test_when_everything_fails_the_budget_ends_the_retries(retrying, settings):
    settings.FETCH_RETRIES = 10
    for name in map(str, range(4)):
        fetch(retrying.put(f"shop{name}", "/", status=500), patience=Patience(5))
    asked = sum(path == "/" for _, path in retrying.requests)
    assert 4 + 10 <= asked <= 4 + 12


def test_a_try_that_would_take_longer_than_the_patience_is_left(retrying, settings, monkeypatch):  # fmt: skip
    settings.FETCH_DELAY_MS = 5_000
    monkeypatch.setattr(fetching.random, "random", lambda: 1.0)
    monkeypatch.setattr(fetching, "_approach", lambda *_: None)
    page = fetch(retrying.put("shop", "/", status=500), patience=Patience(1))
    assert (page.outcome, page.attempts) == ("error", 1)


def test_the_pace_follows_what_a_host_does(web, patience):
    host = f"shop.localhost:{web.port}"
    fetch(web.put("shop", "/", "x"), patience=patience)
    well = HostPace.objects.get(host=host)
    assert 0 < well.delay_seconds == well.latency_seconds < 1
    fetch(web.put("shop", "/", status=403), patience=patience)
    ill = HostPace.objects.get(host=host)
    assert ill.delay_seconds >= 2 * well.delay_seconds
    assert ill.failures == 1


def test_all_workers_keep_the_pace_of_a_host_that_became_slow(web):
    HostPace.objects.create(host=f"shop.localhost:{web.port}", delay_seconds=60)
    url = web.put("shop", "/", "x")
    outcomes = [fetch(url, patience=Patience(1)).outcome for _ in range(2)]
    # robots.txt took the turn.
    assert outcomes == [Outcome.RATE_LIMITED] * 2
    assert web.asked("shop") == ["/robots.txt"]


@pytest.mark.parametrize("status", [200, 503])
def test_a_wall_is_blocked_whatever_its_status_is(web, patience, status):
    wall = (
        "<title>Just a moment...</title><body>Enable JavaScript and cookies to continue"
    )
    page = fetch(web.put("shop", "/", wall, status=status), patience=patience)
    assert (page.outcome, page.text) == (Outcome.BLOCKED, "")
    assert "Just a moment" in page.reason


def test_a_page_of_another_kind_is_read_when_it_is_wanted(web, patience):
    url = web.put("shop", "/jobs", '{"jobs": []}', content_type="application/json")
    assert fetch(url, patience=patience).outcome == "error"
    page = fetch(url, patience=patience, kinds=("application/json",))
    assert (page.outcome, page.text) == ("ok", '{"jobs": []}')
    assert web.headers["Accept"] == "application/json"


def test_stored_pages_and_paces_do_not_stay_for_ever(web, patience):
    url = web.put("shop", "/", "x", headers={"Cache-Control": "max-age=60"})
    fetch(url, patience=patience)
    old = timezone.now() - timedelta(days=60)
    StoredPage.objects.update(confirmed_at=old)
    HostPace.objects.update(updated_at=old)
    counts = prune_scraper_data()
    assert (counts["stored_pages"], counts["host_paces"]) == (1, 1)
