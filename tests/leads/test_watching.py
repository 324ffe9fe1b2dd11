"""Sources that stall, are blocked or drift are noticed, and the notices go again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from leads.job_endings import Stop, finish
from leads.models import ScrapeJob, SourceNotice
from leads.outcomes import Outcome
from leads.watching import open_notices, watch_sources

QUIET = {"stalled": 0, "blocked": 0, "drifting": 0}


def job(**values) -> ScrapeJob:
    defaults = {"source": "craigslist", "state": "finished", "outcome": "ok"}
    return ScrapeJob.objects.create(
        **defaults | {"parameters": {"n": ScrapeJob.objects.count()}} | values
    )


@pytest.mark.django_db
def test_a_job_that_stands_still_is_noticed_until_it_moves():
    still = job(state="running", outcome="")
    waiting = job(state="waiting", outcome="", source="linkedin")
    assert watch_sources() == QUIET
    ScrapeJob.objects.update(updated_at=timezone.now() - timedelta(minutes=20))
    assert watch_sources() == QUIET | {"stalled": 1}
    (notice,) = open_notices()
    assert (notice.source, notice.kind) == ("craigslist", "stalled")
    assert "20 minutes" in notice.reason
    watch_sources()
    assert SourceNotice.objects.count() == 1
    still.save()
    assert watch_sources() == QUIET
    assert SourceNotice.objects.get().cleared_at
    old = timezone.now() - timedelta(hours=31)
    ScrapeJob.objects.filter(pk=waiting.pk).update(updated_at=old)
    assert watch_sources()["stalled"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "outcome", ["blocked", "denied_by_robots", "markup_changed", "error"]
)
def test_a_source_that_fails_twice_is_noticed_and_once_is_not(outcome):
    job()
    job(outcome=outcome, reason="It said no.")
    assert watch_sources() == QUIET
    job(outcome=outcome, reason="It said no.")
    job(outcome="empty", source="linkedin", reason="r")
    assert watch_sources() == QUIET | {"blocked": 1}
    assert "It said no." in open_notices()[0].reason
    job()
    assert watch_sources() == QUIET


@pytest.mark.django_db
def test_a_field_that_is_suddenly_empty_is_noticed():
    usual = {"read": 40, "name": 40, "website": 20, "email": 2}
    jobs = [job(state="running", outcome="", filled=usual) for _ in range(4)]
    for each in jobs:
        finish(each, Outcome.OK, "", stop=Stop.END_OF_LIST)
    assert watch_sources() == QUIET
    fallen = job(state="running", outcome="", filled=usual | {"website": 0})
    finish(fallen, Outcome.OK, "", stop=Stop.END_OF_LIST)
    assert watch_sources() == QUIET | {"drifting": 1}
    assert "website 0% (usually 50%)" in open_notices()[0].reason


@pytest.mark.django_db
def test_each_board_has_rates_of_its_own():
    for board, filled in (("lever", 0), ("remote_ok", 40)) * 4:
        one = job(
            source="job_boards", state="running", outcome="",
            filled={"read": 40, "website": filled},
            parameters={"board": board, "n": ScrapeJob.objects.count()},
        )  # fmt: skip
        finish(one, Outcome.OK, "", stop=Stop.END_OF_LIST)
    assert watch_sources() == QUIET
