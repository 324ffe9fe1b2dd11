"""Several sources side by side: what fails is part of the result."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.utils import timezone

from leads.consents import record_consent
from leads.multi_source import outcomes_of, start_scrapes
from tasks.following import follow_ends
from tasks.models import Task
from tasks.workflow_rows import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _consent(settings):
    record_consent("craigslist", settings.CRAIGSLIST_URL)


def end(task: Task, state: str, **values) -> None:
    Task.objects.filter(pk=task.pk).update(state="running", attempt=1)
    Task.objects.filter(pk=task.pk).update(
        state=state, finished_at=timezone.now(), **values
    )


def test_all_begin_at_once_and_what_can_not_is_refused_with_its_reason():
    result = start_scrapes(
        [
            {"source": "craigslist", "location": "SFbay", "category": "bbb"},
            {"source": "job_boards", "board": "remote_ok"},
            {"source": "linkedin", "query": "plumber"},
            {"source": "google_maps", "query": "plumber"},
            {"source": "yellowpages"},
            {"source": "craigslist", "planet": "mars"},
            {"source": "craigslist", "priority": 10},
            {"location": "sfbay"},
            "craigslist",
        ]
    )
    assert [each["source"] for each in result["started"]] == [
        "craigslist", "job_boards", "linkedin",
    ]  # fmt: skip
    assert len(result["refused"]) == 6
    assert "GOOGLE_PLACES_API_KEY" in result["refused"][0]["reason"]
    assert all(each["reason"] for each in result["refused"])
    states = Task.objects.filter(actor__startswith="scrape_").values_list(
        "state", flat=True
    )
    assert list(states) == ["queued"] * 3
    json.dumps(result)


def test_a_failure_is_a_result_and_no_exception():
    result = start_scrapes(
        [{"source": "craigslist"}, {"source": "job_boards", "board": "remote_ok"}]
    )
    first, second = (Task.objects.get(pk=each["task_id"]) for each in result["started"])
    end(first, "failed", error_message="It broke.")
    end(second, "succeeded", result={"outcome": "ok", "leads_found": 3})
    while follow_ends():
        pass
    workflow = UUID(result["workflow"])
    assert Workflow.objects.get(pk=workflow).state == "succeeded"
    told = outcomes_of(workflow)
    assert (told[0]["state"], told[0]["reason"]) == ("failed", "It broke.")
    assert (told[1]["outcome"], told[1]["leads_found"]) == ("ok", 3)


def test_nothing_to_start_starts_no_workflow():
    assert start_scrapes([{"source": "x"}])["workflow"] == ""
    assert not Workflow.objects.exists()
