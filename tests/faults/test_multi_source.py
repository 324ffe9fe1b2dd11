"""Several sources scraped side by side by real workers, one of which is killed."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from functools import partial
from uuid import UUID

import pytest
from django.db import connection

from leads.consents import record_consent
from leads.models import Lead, ScrapeJob, SourceConsent
from leads.multi_source import outcomes_of
from tasks.enqueueing import enqueue
from tasks.models import Actor, Task, Worker, Workflow
from tasks.states import FINISHED
from tasks.throttling import pause, resume
from tests.leads import board_shapes
from tests.leads import craigslist_shapes as shapes
from tests.leads.places_api import KEY, error
from tests.leads.test_scraping import LIST, path
from tests.leads.web import Reply, Web, serving

pytestmark = [
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(120),
]
_LISTINGS = 6


class Town:
    """Craigslist and Google as the tests have them; Google refuses the key."""

    def __init__(self, web: Web) -> None:
        self.asked: Counter[int] = Counter()
        self.killed: list[int] = []
        self._lock = threading.Lock()
        base = web.url("craigslist", "")
        rows = "".join(shapes.row(number, base=base) for number in range(_LISTINGS))
        web.put("craigslist", LIST, shapes.list_page(rows))
        for number in range(_LISTINGS):
            web.put_function("craigslist", path(number), partial(self._posting, number))
        refusal = error(403, "PERMISSION_DENIED", "Billing is off.")
        web.services["places"] = lambda *_: refusal

    def _posting(self, number: int) -> Reply:
        with self._lock:
            self.asked[number] += 1
            if number == 3 and not self.killed:
                self.killed.append(_kill_the_reader())
        text = f"Harbor Plumbing {number} fixes pipes."
        return Reply(shapes.posting(f"Posting {number}", text, place=f"Town {number}"))


def _kill_the_reader() -> int:
    """Kill -9 the worker process that runs the scrape; give its pid."""
    try:
        task = Task.objects.select_related("worker").get(
            actor="scrape_craigslist", state="running"
        )
    finally:
        connection.close()  # It belongs to this thread of the server.
    assert task.worker is not None
    os.kill(task.worker.pid, signal.SIGKILL)
    return task.worker.pid


@pytest.fixture
def town(settings):
    with Web() as web:
        thread = serving(web)
        settings.CRAIGSLIST_URL = web.url("craigslist", "")
        settings.LINKEDIN_URL = web.url("linkedin", "")
        settings.GOOGLE_PLACES_URL = web.url("places", "")
        settings.FETCH_ALLOWED_PRIVATE = [f"*.localhost:{web.port}"]
        record_consent("craigslist", settings.CRAIGSLIST_URL)
        record_consent("linkedin", settings.LINKEDIN_URL)
        yield Town(web)
        web.shutdown()
        thread.join()


@pytest.fixture
def workers(rabbitmq, town, start_process, settings, wait_until):
    environment = {
        "CRAIGSLIST_URL": settings.CRAIGSLIST_URL,
        "LINKEDIN_URL": settings.LINKEDIN_URL,
        "GOOGLE_PLACES_URL": settings.GOOGLE_PLACES_URL,
        "GOOGLE_PLACES_API_KEY": KEY,
        "FETCH_ALLOWED_PRIVATE": settings.FETCH_ALLOWED_PRIVATE[0],
        "FETCH_DELAY_MS": "0",
        "TASK_LEASE_SECONDS": "3",
    }
    start_process("scheduler", **environment)
    start_process("workers", "--processes=2", "--threads=4", **environment)
    wait_until(lambda: Worker.objects.count() == 2)


def test_one_that_fails_and_one_whose_worker_dies_leave_the_others_alone(
    town, workers, tmp_path, wait_until
):
    saved = tmp_path / "board.json"
    saved.write_text(board_shapes.WORKABLE)
    # Its consent is withdrawn while it waits: its task fails.
    pause("scrape_linkedin", Actor)
    task_id = enqueue(
        "scrape_multi_source",
        scrapes=[
            {"source": "craigslist", "location": "sfbay", "category": "bbb"},
            {"source": "linkedin", "query": "plumber"},
            {"source": "google_maps", "query": "plumber", "location": "37,-123,38,-122"},
            {"source": "job_boards", "path": str(saved)},
            {"source": "job_boards", "path": str(tmp_path / "lost.json")},
            {"source": "yellowpages"},
        ],
    )  # fmt: skip
    wait_until(lambda: Task.objects.filter(pk=task_id, state__in=FINISHED).exists())
    started = Task.objects.get(pk=task_id).result
    assert len(started["started"]) == 5
    assert [each["scrape"]["source"] for each in started["refused"]] == ["yellowpages"]
    SourceConsent.objects.filter(source="linkedin").delete()
    resume("scrape_linkedin", Actor)
    workflow = UUID(started["workflow"])
    wait_until(
        lambda: Workflow.objects.get(pk=workflow).state in ("succeeded", "failed"), 60
    )

    assert Workflow.objects.get(pk=workflow).state == "succeeded"
    told = outcomes_of(workflow)
    assert [(each["source"], each["state"], each["outcome"]) for each in told] == [
        ("craigslist", "succeeded", "ok"),
        ("linkedin", "failed", ""),
        ("google_maps", "succeeded", "blocked"),
        ("job_boards", "succeeded", "ok"),
        ("job_boards", "succeeded", "error"),
    ]
    assert "is off" in told[1]["reason"]
    assert "Billing is off." in told[2]["reason"]
    assert "can't be read" in told[4]["reason"]
    _assert_every_lead_is_there_once(town, told)


def _assert_every_lead_is_there_once(town, told):
    assert len(town.killed) == 1
    assert town.asked == Counter(range(_LISTINGS)) + Counter([3])
    assert told[0]["leads_created"] == told[0]["leads_found"] == _LISTINGS
    assert Lead.objects.count() == _LISTINGS + 1
    jobs = ScrapeJob.objects.order_by("source", "outcome")
    assert [(job.source, job.state, job.outcome, job.stop_reason) for job in jobs] == [
        ("craigslist", "finished", "ok", "end_of_list"),
        ("google_maps", "finished", "blocked", "refused"),
        ("job_boards", "finished", "error", "no_list"),
        ("job_boards", "finished", "ok", "end_of_list"),
    ]
