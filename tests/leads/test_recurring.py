"""Scrapes that the clock repeats: rows that people edit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fliptech_site.errors import InvalidInput, PermanentError
from leads.models import RecurringScrape
from leads.recurring import recurring_name, schedule_scrape
from tasks.models import Schedule, Task
from tasks.planning import plan_due

pytestmark = pytest.mark.django_db
BOARD = {"board": "remote_ok"}


def test_a_recurring_scrape_is_a_schedule_that_runs():
    told = schedule_scrape("job_boards", "30 6 * * 1", "Europe/Berlin", BOARD)
    row = RecurringScrape.objects.get()
    assert (row.actor, row.source, row.overlap) == (
        "scrape_job_boards",
        "job_boards",
        "skip",
    )
    assert row.kwargs["board"] == "remote_ok"
    assert told["schedule"] == row.name
    assert row.next_run_at.weekday() == 0
    assert plan_due(row.next_run_at + timedelta(seconds=1)) == 1
    assert Task.objects.get().kwargs["board"] == "remote_ok"


def test_the_same_scrape_again_takes_the_new_times_and_keeps_what_people_chose():
    schedule_scrape("job_boards", "0 6 * * *", "UTC", BOARD)
    RecurringScrape.objects.update(overlap="queue", is_enabled=False)
    again = schedule_scrape("job_boards", "0 7 * * *", "UTC", BOARD)
    assert not again["is_new"]
    row = RecurringScrape.objects.get()
    assert (row.cron, row.overlap, row.is_enabled) == ("0 7 * * *", "queue", True)


@pytest.mark.parametrize(
    ("source", "cron", "zone", "parameters"),
    [
        ("monster", "0 6 * * *", "UTC", {}),
        ("job_boards", "0 6 * *", "UTC", BOARD),
        ("job_boards", "0 6 * * *", "Mars/Base", BOARD),
        ("job_boards", "0 6 * * *", "UTC", {"board": "x"}),
        ("job_boards", "0 6 * * *", "UTC", {"planet": "x"}),
        ("google_maps", "0 6 * * *", "UTC", {"query": "x"}),
        ("craigslist", "0 6 * * *", "UTC", {}),
        ("linkedin", "0 6 * * *", "UTC", {"path": "/etc/passwd"}),
    ],
)
def test_what_could_never_run_is_refused(source, cron, zone, parameters):
    with pytest.raises(PermanentError):
        schedule_scrape(source, cron, zone, parameters)
    assert not Schedule.objects.exists()


def test_only_scrapes_are_listed():
    Schedule.objects.create(name="x", actor="match_leads", cron="* * * * *")
    assert not RecurringScrape.objects.exists()


def test_names_are_short_and_tell_scrapes_apart():
    names = {recurring_name("job_boards", {"a": "x" * 200 + end}) for end in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 100 for name in names)
    with pytest.raises(InvalidInput):
        schedule_scrape("job_boards", "", "UTC", BOARD)
    assert timezone.now()
