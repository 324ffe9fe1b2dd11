"""Schedules: missed runs, overlaps, people, and two schedulers for real."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tasks.enqueueing import enqueue
from tasks.models import Schedule, Task
from tasks.planning import CATCH_UP_LIMIT, due_runs, plan_due, run_now
from tasks.states import State

NOON = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)
HALF_PAST = NOON.replace(minute=5, second=0)


def schedule(minutes_late, **values):
    return Schedule(
        name="sum",
        actor="trial_add",
        kwargs={"a": 1, "b": 2},
        cron="*/5 * * * *",
        next_run_at=NOON.replace(second=0) - timedelta(minutes=minutes_late),
        **values,
    )


def test_missed_runs_are_made_up_by_one():
    runs, coming = due_runs(schedule(20), NOON, is_busy=False)
    assert (len(runs), coming) == (1, HALF_PAST)


def test_missed_runs_are_made_up_each():
    runs, coming = due_runs(schedule(20, misfire="catch_up"), NOON, is_busy=False)
    assert [(NOON - run).seconds // 60 for run in runs] == [20, 15, 10, 5, 0]
    assert coming == HALF_PAST


def test_a_long_downtime_is_made_up_within_bounds():
    late = schedule(60 * 24 * 365, misfire="catch_up")
    runs, coming = due_runs(late, NOON, is_busy=False)
    assert (len(runs), coming) == (CATCH_UP_LIMIT, HALF_PAST)


def test_missed_runs_are_skipped_but_a_punctual_one_is_not():
    runs, coming = due_runs(schedule(20, misfire="skip"), NOON, is_busy=False)
    assert (runs, coming) == ([NOON.replace(second=0)], HALF_PAST)
    later = NOON + timedelta(minutes=3)
    runs, coming = due_runs(schedule(20, misfire="skip"), later, is_busy=False)
    assert (runs, coming) == ([], HALF_PAST)


@pytest.mark.parametrize(
    ("overlap", "count", "coming"),
    [("allow", 1, HALF_PAST), ("skip", 0, HALF_PAST), ("queue", 0, None)],
)
def test_a_run_that_meets_its_forerunner(overlap, count, coming):
    late = schedule(0, overlap=overlap)
    runs, found = due_runs(late, NOON, is_busy=True)
    assert (len(runs), found) == (count, coming or late.next_run_at)


def test_runs_to_catch_up_stand_in_line_when_they_may_not_overlap():
    late = schedule(10, overlap="queue", misfire="catch_up")
    runs, coming = due_runs(late, NOON, is_busy=False)
    assert len(runs) == 1
    assert coming == runs[0] + timedelta(minutes=5)


@pytest.mark.django_db
def test_a_queued_run_comes_when_its_forerunner_has_ended():
    schedule(10, overlap="queue", misfire="catch_up").save()
    assert [plan_due(NOON), plan_due(NOON)] == [1, 0]
    Task.objects.update(state=State.CANCELLED)
    assert plan_due(NOON) == 1
    assert Task.objects.values("planned_at").distinct().count() == 2


@pytest.mark.django_db
def test_a_schedule_that_can_not_run_says_why_and_stops_no_other():
    broken = schedule(5)
    broken.actor, broken.name = "gone", "broken"
    broken.save()
    schedule(5).save()
    assert plan_due(NOON) == 1
    broken.refresh_from_db()
    assert "no actor 'gone'" in broken.problem
    assert broken.next_run_at > NOON
    Schedule.objects.filter(name="broken").update(actor="trial_add")
    Schedule.objects.filter(name="broken").update(kwargs={"a": 1, "b": 1})
    plan_due(NOON + timedelta(minutes=2))
    broken.refresh_from_db()
    assert broken.problem == ""


@pytest.mark.django_db
def test_a_run_by_hand_counts_as_unfinished():
    row = schedule(0, overlap="skip")
    row.save()
    assert run_now(row) == 1
    assert plan_due(NOON) == 0


@pytest.mark.django_db
def test_admin_says_a_schedule_in_words_previews_it_pauses_and_resumes(admin_client):
    row = schedule(60)
    row.save()
    page = admin_client.get(f"/admin/tasks/schedule/{row.pk}/change/").content.decode()
    assert "Every 5 minutes" in page
    assert page.count(" UTC<br>") == 4
    data = {"action": "pause_schedules", "_selected_action": [row.pk]}
    admin_client.post("/admin/tasks/schedule/", data)
    assert plan_due(timezone.now()) == 0
    admin_client.post("/admin/tasks/schedule/", data | {"action": "resume_schedules"})
    row.refresh_from_db()
    assert row.next_run_at > timezone.now(), "a pause is no downtime"


@pytest.mark.django_db
def test_a_declared_schedule_follows_its_code_in_admin(admin_client):
    row = schedule(0, is_declared=True)
    row.save()
    form = {
        "cron": "0 0 1 1 *", "timezone": "UTC", "is_enabled": "on",
        "misfire": "catch_up", "overlap": "skip",
    }  # fmt: skip
    admin_client.post(f"/admin/tasks/schedule/{row.pk}/change/", form)
    row.refresh_from_db()
    assert (row.cron, row.misfire, row.overlap) == ("*/5 * * * *", "catch_up", "skip")
    url = f"/admin/tasks/schedule/{row.pk}/delete/"
    assert admin_client.post(url, {"post": "yes"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_two_real_schedulers_make_one_task_per_planned_time(
    rabbitmq, start_process, wait_until
):
    first, second = start_process("scheduler"), start_process("scheduler")
    # A task for later becomes queued only once somebody leads.
    soon = enqueue(
        "trial_add", a=1, b=2, run_at=timezone.now() + timedelta(seconds=0.2)
    )
    wait_until(lambda: Task.objects.get(pk=soon).state == State.QUEUED)
    Task.objects.all().delete()

    def is_planned(minutes):
        """Whether every minute of the past has its task, up to the present one."""
        return Task.objects.filter(planned_at__isnull=False).count() >= minutes

    begin = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=30)
    row = schedule(0, misfire="catch_up")
    row.cron, row.next_run_at = "* * * * *", begin
    row.save()
    wait_until(lambda: is_planned(31))
    first.send_signal(signal.SIGKILL)
    first.wait()
    # Planned once more by whoever leads now, as after a crash before the commit.
    Schedule.objects.filter(pk=row.pk).update(next_run_at=begin - timedelta(minutes=5))
    wait_until(lambda: is_planned(36))
    assert second.poll() is None
    times = list(
        Task.objects.filter(schedule=row)
        .values_list("planned_at", flat=True)
        .order_by("planned_at")
    )
    wanted = [begin + timedelta(minutes=n - 5) for n in range(len(times))]
    assert times == wanted
