"""Lost jobs, old rows, several sources at once, and the figures for Prometheus."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from leads.analysing import analyse_leads
from leads.metrics import collect
from leads.models import (
    Fetch,
    HostPause,
    Lead,
    Posting,
    RobotsFile,
    ScrapeJob,
    SourceNotice,
)
from leads.monitoring import finish_lost_jobs
from leads.pruning import prune_scraper_data
from tasks.enqueueing import enqueue
from tasks.models import Task

pytestmark = pytest.mark.django_db


def job(**values) -> ScrapeJob:
    defaults = {"source": "craigslist", "parameters": {"n": ScrapeJob.objects.count()}}
    return ScrapeJob.objects.create(**defaults | values)


def test_a_job_whose_task_ended_is_finished_with_its_error():
    task_id = enqueue("scrape_craigslist")
    lost = job(task_id=task_id)
    assert finish_lost_jobs() == {"unfinished": 1, "lost": 0}
    Task.objects.filter(pk=task_id).update(state="running", attempt=1)
    Task.objects.filter(pk=task_id).update(
        state="failed", error_message="It broke.", finished_at=timezone.now()
    )
    assert finish_lost_jobs() == {"unfinished": 0, "lost": 1}
    lost.refresh_from_db()
    assert (lost.state, lost.outcome, lost.reason) == ("finished", "error", "It broke.")


def test_a_job_without_a_task_is_lost_after_half_an_hour():
    job()
    old = job()
    ScrapeJob.objects.filter(pk=old.pk).update(
        updated_at=timezone.now() - timedelta(minutes=31)
    )
    assert finish_lost_jobs() == {"unfinished": 1, "lost": 1}


def test_old_rows_go_and_leads_stay():
    lead = Lead.objects.create(name="Rosa")
    old = timezone.now() - timedelta(days=400)
    for url in ("old", "new"):
        Fetch.objects.create(url=url, host="h")
        RobotsFile.objects.create(
            origin=url, standing="found", fetched_at=old, expires_at=timezone.now()
        )
        HostPause.objects.create(host=url, until=timezone.now(), reason="r")
        Posting.objects.create(source="craigslist", key=url, url=url, lead=lead)
        job(state="finished", outcome="ok", reason=url)
    Fetch.objects.filter(url="old").update(created_at=old)
    RobotsFile.objects.filter(origin="old").update(expires_at=old)
    HostPause.objects.filter(host="old").update(until=old)
    Posting.objects.filter(key="old").update(last_seen_at=old)
    ScrapeJob.objects.filter(reason="old").update(created_at=old)
    names = ("fetches", "jobs", "postings", "robots_files", "host_pauses")
    counts = prune_scraper_data()
    assert {name: counts[name] for name in names} == dict.fromkeys(names, 1)
    assert not any(prune_scraper_data().values())
    assert Lead.objects.get() == lead


def test_listings_are_kept_by_source():
    old = timezone.now() - timedelta(days=100)
    for source in ("craigslist", "job_boards", "google_maps"):
        Posting.objects.create(source=source, key="k", url="u")
    Posting.objects.update(last_seen_at=old)
    assert prune_scraper_data()["postings"] == 1
    Posting.objects.update(last_seen_at=old - timedelta(days=300))
    assert prune_scraper_data()["postings"] == 1
    assert Posting.objects.get().source == "google_maps"


def test_many_leads_are_scored_each_by_a_task_of_its_own():
    leads = [Lead.objects.create(name=name) for name in "abc"]
    done = Lead.objects.create(name="d", scored_at=timezone.now())
    assert analyse_leads([leads[0].pk, 4711]) == {"enqueued": 1, "unknown": [4711]}
    assert analyse_leads([])["enqueued"] == 3
    assert done.pk not in [
        task.kwargs["lead_id"] for task in Task.objects.filter(actor="analyze_lead")
    ]
    with pytest.raises(InvalidInput):
        analyse_leads(["1"])


def test_the_figures_count_what_is_there(django_assert_num_queries):
    best = Lead.objects.create(name="a", score=90)
    Lead.objects.create(name="b", score=1)
    Lead.objects.create(name="c")
    Lead.objects.create(name="d", score=99, merged_into=best)
    job(state="finished", outcome="blocked", reason="r")
    job()
    Fetch.objects.create(url="u", host="h", outcome="ok")
    Fetch.objects.create(url="u", host="h", outcome="ok", purpose="robots")
    SourceNotice.objects.create(source="craigslist", kind="blocked", reason="r")
    with django_assert_num_queries(5):
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for metric in collect()
            for sample in metric.samples
        }
    assert samples == {
        ("fliptech_leads", "unscored"): 1,
        ("fliptech_leads", "qualified"): 1,
        ("fliptech_leads", "unqualified"): 1,
        ("fliptech_leads", "merged"): 1,
        ("fliptech_leads_scrape_jobs", "blocked"): 1,
        ("fliptech_leads_scrape_jobs", "unfinished"): 1,
        ("fliptech_leads_fetches", "page", "ok"): 1,
        ("fliptech_leads_fetches", "robots", "ok"): 1,
        ("fliptech_leads_source_notices", "craigslist", "blocked"): 1,
    }


def test_the_command_enqueues_a_scrape(craigslist, capsys):
    call_command("scrape", "craigslist", "--location", "SFbay", "--max", "5")
    task = Task.objects.get()
    assert task.kwargs == {"location": "sfbay", "category": "bbb", "max_results": 5}
    assert str(task.pk) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--location", "sfbai"], "'sfbay'"),
        (["--category", "plumbing"], "'sks'"),
        (["--max", "0"], "from 1 to 360"),
    ],
)
def test_the_command_refuses_what_could_only_fail(craigslist, arguments, hint):
    with pytest.raises(CommandError, match=hint):
        call_command("scrape", "craigslist", *arguments)
    assert not Task.objects.exists()


def test_the_command_waits_and_shows_the_outcome(craigslist, capsys):
    def finish(_):
        Task.objects.update(state="running", attempt=1)
        Task.objects.update(
            state="succeeded", result={"leads_created": 3}, finished_at=timezone.now()
        )

    with patch("leads.management.commands.scrape.time.sleep", finish):
        call_command("scrape", "craigslist", "--wait")
    assert '{"leads_created": 3}' in capsys.readouterr().out
