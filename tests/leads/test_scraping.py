"""A scrape from its list to its leads, over real HTTP."""

from __future__ import annotations

import pytest

from fliptech_site.errors import InvalidInput, RateLimited, TransientError
from leads import job_keeping, scraping
from leads.consents import ConsentMissingError
from leads.models import Lead, LeadFact, Posting, ScrapeJob, SourceConsent
from leads.scraping import scrape
from tasks.models import Task
from tests.leads import craigslist_shapes as shapes
from tests.leads.web import Reply

pytestmark = pytest.mark.django_db
LIST = "/search/area/sfbay?cat=bbb"


def run(**parameters):
    wanted = {"location": "sfbay", "category": "bbb", "max_results": 100}
    return scrape("craigslist", **wanted | parameters)


def path(number: int) -> str:
    return f"/view/d/some-slug/{shapes.token(number)}"


def put_list(web, *numbers: int) -> None:
    base = web.url("craigslist", "")
    rows = "".join(shapes.row(number, base=base) for number in numbers)
    web.put("craigslist", LIST, shapes.list_page(rows))


def put_posting(web, number: int, text: str = "We clean.", **options) -> None:
    page = shapes.posting(f"Posting {number}", text, place=f"Town {number}")
    web.put("craigslist", path(number), page, **options)


def enqueued() -> list[str]:
    return sorted(Task.objects.values_list("actor", flat=True))


def test_listings_become_leads_with_provenance_and_the_next_task(craigslist):
    put_list(craigslist, 1, 2)
    put_posting(craigslist, 1, "Harbor Plumbing fixes pipes, www.harbor.example")
    put_posting(craigslist, 2)
    result = run()
    expected = {
        "leads_found": 2,
        "leads_created": 2,
        "leads_merged": 0,
        "outcome": "ok",
    }
    assert expected.items() <= result.items()
    first = Lead.objects.get(name="Harbor Plumbing")
    assert first.website == "http://www.harbor.example"
    fact = LeadFact.objects.get(lead=first, field="website")
    assert fact.source == "craigslist"
    assert fact.url.endswith(shapes.token(1))
    assert fact.fetch is not None
    assert enqueued() == ["analyze_lead", "scrape_website"]


def test_running_it_again_creates_nothing_and_fetches_the_list_only(craigslist):
    put_list(craigslist, 1, 2)
    for number in (1, 2):
        put_posting(craigslist, number)
    run()
    before = len(craigslist.requests)
    result = run()
    expected = {"leads_found": 2, "leads_created": 0, "leads_known": 2, "outcome": "ok"}
    assert expected.items() <= result.items()
    assert craigslist.requests[before:] == [("craigslist", LIST)]
    assert Lead.objects.count() == 2
    assert Task.objects.count() == 2


def test_two_listings_of_one_business_are_one_lead(craigslist):
    put_list(craigslist, 1, 2)
    for number in (1, 2):
        put_posting(craigslist, number, "See http://www.rosas.example/ for more")
    result = run()
    expected = {"leads_found": 2, "leads_created": 1, "leads_merged": 1}
    assert expected.items() <= result.items()


def test_max_results_bounds_the_pages_that_are_read(craigslist):
    put_list(craigslist, 1, 2, 3)
    put_posting(craigslist, 1)
    assert run(max_results=1)["listed"] == 1
    assert len(craigslist.asked("craigslist")) == 3


def test_it_is_off_until_consent_is_recorded(craigslist):
    SourceConsent.objects.all().delete()
    with pytest.raises(ConsentMissingError, match="Source consents"):
        run()
    assert craigslist.requests == []


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [({"location": "sfbai"}, "'sfbay'"), ({"category": "plumbing"}, "'sks'"),
     ({"max_results": 0}, "from 1 to 360"), ({"max_results": 1000}, "from 1 to 360")],
)  # fmt: skip
def test_bad_parameters_are_refused_before_anything_is_asked(craigslist, wrong, hint):
    with pytest.raises(InvalidInput, match=hint):
        run(**wrong)
    assert not ScrapeJob.objects.exists()


def test_an_unknown_source_names_the_known_ones(db):
    with pytest.raises(InvalidInput, match="'craigslist'"):
        scrape("yellowpages")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(shapes.list_page("")), "empty"),
        (Reply(shapes.list_page("", scripts=shapes.ITEM_LIST)), "markup_changed"),
        (Reply(shapes.NO_LIST), "markup_changed"),
        (Reply(shapes.BLOCK_PAGE), "blocked"),
        (Reply(shapes.BLOCK_PAGE, status=403), "blocked"),
        (Reply("", status=404), "error"),
    ],
)
def test_a_zero_always_says_why(craigslist, reply, outcome):
    craigslist.put_function("craigslist", LIST, lambda: reply)
    result = run()
    assert (result["outcome"], result["leads_found"]) == (outcome, 0)
    assert result["reason"]
    job = ScrapeJob.objects.get()
    assert (job.state, job.outcome) == ("finished", outcome)
    assert job.finished_at


def test_robots_txt_stops_the_scrape(craigslist):
    craigslist.put("craigslist", "/robots.txt", "User-agent: *\nDisallow: /search")
    assert run()["outcome"] == "denied_by_robots"


def test_removed_and_unreadable_listings_are_told_apart(craigslist):
    put_list(craigslist, 1, 2, 3)
    put_posting(craigslist, 1)
    craigslist.put("craigslist", path(2), shapes.REMOVED)
    craigslist.put("craigslist", path(3), "", status=500)
    result = run()
    assert (result["outcome"], result["leads_found"]) == ("partial", 1)
    assert result["reason"] == "1 of 3 listings could not be read."
    states = Posting.objects.order_by("key").values_list("state", flat=True)
    assert list(states) == ["read", "removed", "unreadable"]
    # What could not be read is tried again, what was removed is not.
    put_posting(craigslist, 3)
    again = run()
    assert (again["outcome"], again["leads_created"]) == ("ok", 1)


def test_a_block_in_the_middle_keeps_what_was_found(craigslist):
    put_list(craigslist, 1, 2, 3)
    put_posting(craigslist, 1)
    craigslist.put("craigslist", path(2), shapes.BLOCK_PAGE, status=403)
    result = run()
    assert (result["outcome"], result["leads_found"]) == ("partial", 1)
    assert path(3) not in craigslist.asked("craigslist")


def test_a_rate_limited_scrape_waits_and_goes_on_where_it_was(craigslist, monkeypatch):
    monkeypatch.setattr(scraping, "_PATIENCE_SECONDS", 0.5)
    put_list(craigslist, 1, 2)
    put_posting(craigslist, 1)
    craigslist.put("craigslist", path(2), status=429, headers={"Retry-After": "1"})
    with pytest.raises(RateLimited) as raised:
        run()
    assert 0 < raised.value.retry_after <= 1
    assert ScrapeJob.objects.get().state == "waiting"
    put_posting(craigslist, 2)
    monkeypatch.setattr(scraping, "_PATIENCE_SECONDS", 5)
    result = run()
    assert (result["outcome"], result["leads_found"]) == ("ok", 2)
    assert ScrapeJob.objects.count() == 1
    assert craigslist.asked("craigslist").count(path(1)) == 1
    assert craigslist.asked("craigslist").count(LIST) == 1


def test_a_scrape_whose_worker_died_goes_on_where_it_was(craigslist, monkeypatch):
    put_list(craigslist, 1, 2)
    put_posting(craigslist, 1)
    put_posting(craigslist, 2)
    store = scraping._store

    def die_at_the_second(step, posting, *rest):
        if posting.key == shapes.token(2):
            raise KeyboardInterrupt
        store(step, posting, *rest)

    monkeypatch.setattr(scraping, "_store", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(scraping, "_store", store)
    result = run()
    assert (result["leads_found"], result["leads_created"]) == (2, 2)
    assert ScrapeJob.objects.count() == 1
    assert craigslist.asked("craigslist").count(path(1)) == 1


def test_a_source_that_is_down_is_tried_again_while_the_task_may(
    craigslist, monkeypatch
):
    craigslist.put("craigslist", LIST, status=500)
    monkeypatch.setattr(job_keeping, "may_try_again", lambda: True)
    with pytest.raises(TransientError):
        run()
    assert ScrapeJob.objects.get().state == "waiting"
    monkeypatch.setattr(job_keeping, "may_try_again", lambda: False)
    assert run()["outcome"] == "error"


def test_reply_links_are_never_followed(craigslist):
    put_list(craigslist, 1)
    put_posting(craigslist, 1)
    run()
    assert not [p for p in craigslist.asked("craigslist") if "reply" in p]
