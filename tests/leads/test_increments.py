"""A second scrape reads what is new or changed and says where it stopped."""

from __future__ import annotations

import pytest

from leads.job_endings import Stop, finish
from leads.metrics import collect
from leads.models import FieldBaseline, Lead, Posting, ScrapeJob
from leads.outcomes import Outcome
from tests.leads import craigslist_shapes as shapes
from tests.leads.test_scraping import LIST, path, put_list, put_posting, run

pytestmark = pytest.mark.django_db


def postings_asked(web) -> int:
    return sum(asked.startswith("/view/") for asked in web.asked("craigslist"))


def stop_of(result) -> str:
    return ScrapeJob.objects.get(pk=result["job_id"]).stop_reason


def test_only_what_is_new_is_read_the_next_time(craigslist):
    for number in (1, 2, 3):
        put_posting(craigslist, number)
    put_list(craigslist, 1, 2)
    assert stop_of(run()) == "end_of_list"
    put_list(craigslist, 3, 1, 2)
    again = run()
    assert (again["leads_created"], again["leads_known"]) == (1, 2)
    assert postings_asked(craigslist) == 3
    assert stop_of(run()) == "nothing_new"


def test_a_listing_whose_row_changed_is_read_again(craigslist):
    put_list(craigslist, 1)
    put_posting(craigslist, 1, "Harbor Plumbing fixes pipes.")
    run()
    rows = shapes.row(1, "New prices", base=craigslist.url("craigslist", ""))
    craigslist.put("craigslist", LIST, shapes.list_page(rows))
    put_posting(craigslist, 1, "Harbor Plumbing fixes pipes. www.harbor.example")
    result = run()
    assert (result["leads_created"], result["leads_known"]) == (0, 1)
    assert postings_asked(craigslist) == 2
    assert Lead.objects.get().website == "http://www.harbor.example"


def test_a_page_that_says_the_same_is_not_stored_again(craigslist):
    put_list(craigslist, 1)
    put_posting(craigslist, 1, "Harbor Plumbing fixes pipes.")
    run()
    before = Lead.objects.get().updated_at
    hash_before = Posting.objects.get().content_hash
    Posting.objects.update(state="new")
    assert run()["leads_known"] == 1
    assert Lead.objects.get().updated_at == before
    assert Posting.objects.get().content_hash == hash_before


def test_a_scrape_says_that_it_stopped_at_what_was_asked_for(craigslist):
    put_list(craigslist, 1, 2)
    put_posting(craigslist, 1)
    assert stop_of(run(max_results=1)) == "max_results"


def test_a_scrape_says_that_it_was_refused_or_gave_up(craigslist):
    put_list(craigslist, *range(8))
    assert stop_of(run()) == "failures"
    craigslist.put("craigslist", path(0), status=403)
    assert stop_of(run()) == "refused"
    craigslist.put("craigslist", LIST, shapes.BLOCK_PAGE)
    assert stop_of(run(category="aos")) == "no_list"


def job_with(filled: int, read: int = 20, source: str = "craigslist") -> ScrapeJob:
    job = ScrapeJob.objects.create(
        source=source, filled={"read": read, "website": filled}
    )
    finish(job, Outcome.OK, "", stop=Stop.END_OF_LIST)
    return job


def test_a_field_that_falls_away_is_an_alarm_and_is_not_learned():
    for _ in range(4):
        assert job_with(15).outcome == "ok"
    job = job_with(0)
    assert job.outcome == "markup_changed"
    assert "website: 0% instead of 75%" in job.reason
    baseline = FieldBaseline.objects.get(field="website")
    assert (baseline.rate, baseline.is_drifting, baseline.last_rate) == (0.75, True, 0)
    # Mended: the alarm goes.
    assert job_with(16).outcome == "ok"
    assert not FieldBaseline.objects.get(field="website").is_drifting


def test_sources_have_baselines_of_their_own_and_small_jobs_teach_nothing():
    for _ in range(4):
        job_with(15)
    assert job_with(0, source="job_boards").outcome == "ok"
    assert job_with(0, read=9).outcome == "ok"
    assert FieldBaseline.objects.get(source="craigslist").jobs == 4


def test_the_fields_of_a_scrape_are_counted(craigslist):
    put_list(craigslist, 1, 2)
    put_posting(craigslist, 1, "Harbor Plumbing fixes pipes, www.harbor.example")
    put_posting(craigslist, 2)
    filled = ScrapeJob.objects.get(pk=run()["job_id"]).filled
    assert (filled["read"], filled["website"], filled["city"]) == (2, 1, 2)


def test_a_drifting_field_is_a_metric():
    for filled in (15, 15, 15, 0):
        job_with(filled)
    shown = {
        (sample.name, sample.labels.get("field")): sample.value
        for metric in collect()
        for sample in metric.samples
    }
    assert shown["fliptech_leads_field_fill_rate", "website"] == 0.75
    assert shown["fliptech_leads_field_drifting", "website"] == 1
