"""`manage.py scrape`: every source, checked before a task is made."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from leads.management.commands.scrape import standing_of
from leads.models import Lead
from tasks.models import Task
from tests.leads import board_shapes as shapes

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("arguments", "kwargs"),
    [
        (
            ["google_maps", "--category", "plumber", "--location", "Austin, TX", "--max", "5"],
            {"query": "plumber", "location": "Austin, TX", "max_results": 5},
        ),
        (["job_boards", "--board", "lever", "--company", "gear"],
         {"board": "lever", "company": "gear", "max_results": 100, "path": "", "website": ""}),
        (["job_boards", "--board", "we_work_remotely", "--category", "design"],
         {"board": "we_work_remotely", "company": "design", "max_results": 100, "path": "", "website": ""}),
        (["linkedin", "--query", "welder", "--location", "Leeds"],
         {"path": "", "query": "welder", "location": "Leeds", "max_results": 1000}),
        (["craigslist", "--location", "SFbay", "--max", "5"],
         {"location": "sfbay", "category": "bbb", "max_results": 5}),
    ],
)  # fmt: skip
def test_each_source_is_enqueued_with_its_arguments(
    craigslist, settings, arguments, kwargs
):
    settings.GOOGLE_PLACES_API_KEY = "k"
    call_command("scrape", *arguments)
    task = Task.objects.get()
    assert (task.actor, task.kwargs) == (f"scrape_{arguments[0]}", kwargs)


def test_a_saved_file_is_named_by_its_whole_path(tmp_path, monkeypatch):
    (tmp_path / "board.json").write_text(shapes.WORKABLE)
    monkeypatch.chdir(tmp_path)
    call_command("scrape", "job_boards", "--file", "board.json")
    assert Task.objects.get().kwargs["path"] == str((tmp_path / "board.json").resolve())
    with pytest.raises(CommandError, match="no file 'other.csv'"):
        call_command("scrape", "linkedin", "--file", "other.csv")


def test_a_website_is_visited_by_its_address_or_its_lead():
    call_command("scrape", "website", "--url", "https://www.rosas.example/")
    lead = Lead.objects.get()
    assert (lead.name, lead.website) == ("rosas.example", "https://www.rosas.example/")
    call_command("scrape", "website", "--lead", str(lead.pk))
    assert [task.kwargs for task in Task.objects.all()] == [{"lead_id": lead.pk}] * 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["google_maps", "--query", "x"], "GOOGLE_PLACES_API_KEY"),
        (["google_maps"], "--query"),
        (["job_boards", "--board", "monster"], "'greenhouse'"),
        (["job_boards", "--location", "x"], "takes no --location"),
        (["linkedin"], "Connections.csv"),
        (["website"], "--lead or --url"),
        (["website", "--url", "rosas"], "web address"),
        (["website", "--lead", "4711"], "no lead 4711"),
        (["craigslist"], "Source consents"),
    ],
)
def test_what_could_only_fail_is_refused(arguments, hint):
    with pytest.raises(CommandError, match=hint):
        call_command("scrape", *arguments)
    assert not Task.objects.exists()


def test_who_waits_is_told_why_nothing_happens():
    call_command("scrape", "job_boards", "--board", "remote_ok")
    task = Task.objects.get()
    assert standing_of(task) == ""
    task.state, task.error_message = "scheduled", "remoteok.com is down."
    assert "To be tried again at" in standing_of(task)
    assert standing_of(task).endswith(": remoteok.com is down.")
    task.state, task.progress_done, task.progress_total = "running", 2, 7
    assert standing_of(task).startswith("2 of 7")
