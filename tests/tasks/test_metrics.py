"""What Prometheus is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from tasks import claiming, metrics, tallying, throttling
from tasks.enqueueing import enqueue, enqueue_many
from tasks.leases import concurrency
from tasks.models import Actor, Attempt, Schedule, Task, Total, Worker
from tasks.scheduling import LEADER_LOCK
from tasks.states import UNFINISHED
from tasks.tallying import fold

pytestmark = pytest.mark.django_db


def told():
    """Every sample, by its name and the values of its labels."""
    return {
        (
            sample.name.removeprefix("fliptech_tasks_"),
            *sample.labels.values(),
        ): sample.value
        for metric in metrics.collect()
        for sample in metric.samples
    }


def test_every_outcome_of_an_actor_is_told_before_it_happens():
    enqueue("trial_add", a=1, b=2)
    samples = told()
    for outcome in ("succeeded", "failed", "cancelled", "poisoned"):
        assert samples["finished_total", "default", "trial_add", outcome] == 0
    assert samples["enqueued_total", "default", "trial_add"] == 1
    assert samples["started_total", "default", "trial_add"] == 0


def test_a_run_counts_as_started_while_it_runs_and_not_twice_when_it_ends():
    held = claiming.claim(enqueue("trial_add", a=1, b=2), worker_id=None)
    samples = told()
    assert samples["started_total", "default", "trial_add"] == 1
    assert samples["running", "default"] == 1
    assert samples["wait_seconds_count", "default", "trial_add"] == 0
    claiming.succeed(held, 3)
    samples = told()
    assert samples["started_total", "default", "trial_add"] == 1
    assert samples["running", "default"] == 0
    assert samples["finished_total", "default", "trial_add", "succeeded"] == 1
    assert samples["wait_seconds_count", "default", "trial_add"] == 1
    assert samples["run_seconds_bucket", "default", "trial_add", "+Inf"] == 1


def test_every_queue_is_told_with_its_backlog_also_the_empty_ones():
    enqueue("trial_add", a=1, b=2)
    enqueue("trial_add", a=1, b=2, run_at=datetime.now(UTC) + timedelta(days=1))
    samples = told()
    assert samples["queue_depth", "default"] == samples["scheduled", "default"] == 1
    assert 0 < samples["oldest_waiting_seconds", "default"] < 30
    assert (
        samples["queue_depth", "email"]
        == samples["oldest_waiting_seconds", "email"]
        == 0
    )


def test_only_living_workers_count_for_the_queues_they_serve():
    now = datetime.now(UTC)
    for pid, beat, stopped in (
        (1, now, None),
        (2, now, now),
        (3, now - timedelta(hours=1), None),
    ):
        Worker.objects.create(
            host="h", pid=pid, threads=8, queues=["email", "ai"],
            heartbeat_at=beat, stopped_at=stopped, memory_bytes=1000,
        )  # fmt: skip
    samples = told()
    assert (samples["workers", "email"], samples["workers", "demo"]) == (1, 0)
    assert samples["worker_processes",] == 1
    assert samples["worker_threads",] == 8
    assert (
        samples["worker_memory_bytes",] == samples["worker_memory_max_bytes",] == 1000
    )


def test_limits_of_queues_and_actors_and_held_leases_are_told():
    throttling.pause("ai")
    throttling.limit_rate("email", 50)
    throttling.limit_concurrency("debug_task", 2, Actor)
    with concurrency("email:account:7", limit=1):
        samples = told()
    assert (samples["queue_paused", "ai"], samples["queue_paused", "email"]) == (1, 0)
    assert samples["queue_rate_per_minute", "email"] == 50
    assert ("queue_rate_per_minute", "ai") not in samples
    assert samples["actor_concurrency", "debug_task"] == 2
    assert [key for key in samples if key[0] == "actor_paused"] == [
        ("actor_paused", "debug_task")
    ]
    assert samples["leases_held",] == 1


def test_a_late_schedule_and_a_leading_scheduler_are_told(test_environment):
    Schedule.objects.create(
        name="late", actor="debug_task", cron="* * * * *",
        next_run_at=datetime.now(UTC) - timedelta(minutes=5),
    )  # fmt: skip
    assert told()["schedulers_leading",] == 0
    assert told()["schedule_late_seconds",] > 299
    with psycopg.connect(test_environment["DATABASE_URL"]) as leader:
        leader.execute("SELECT pg_advisory_lock(%s)", [LEADER_LOCK])
        assert told()["schedulers_leading",] == 1
        # PostgreSQL may end a session that was closed only a moment later.
        leader.execute("SELECT pg_advisory_unlock(%s)", [LEADER_LOCK])
        assert told()["schedulers_leading",] == 0


@pytest.mark.django_db(transaction=True)
def test_figures_are_exact_after_a_worker_was_killed(
    rabbitmq, start_process, wait_until, monkeypatch
):
    monkeypatch.setattr(tallying, "GRACE_SECONDS", 0.0)
    start_process("scheduler", TASK_LEASE_SECONDS="3")
    worker, _ = (
        start_process(
            "worker", "--queues=default", "--threads=2", TASK_LEASE_SECONDS="3"
        )
        for _ in range(2)
    )
    enqueue_many("trial_sleep", [{"seconds": 0.05}] * 60)
    wait_until(lambda: Attempt.objects.count() > 10)
    worker.kill()
    left = Task.objects.filter(state__in=UNFINISHED, actor="trial_sleep")
    wait_until(lambda: not left.exists())
    lost = Attempt.objects.filter(actor="trial_sleep", outcome="lost").count()
    returned = Attempt.objects.filter(actor="trial_sleep", outcome="returned").count()
    labels = ("default", "trial_sleep")
    for _ in range(2):
        samples = told()
        assert samples["enqueued_total", *labels] == 60
        assert samples["finished_total", *labels, "succeeded"] == 60
        assert samples["rescued_total", *labels] == lost
        assert samples["started_total", *labels] == 60 + lost + returned
        # Then again from the totals, beside the scheduler that folds as well.
        wait_until(fold)
        assert Total.objects.get(actor="trial_sleep").succeeded == 60


@pytest.fixture
def history():
    """Finished tasks and their attempts, enough to make the planner choose."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tasks_task (id, actor, queue, priority, args, kwargs, options,"
            " state, attempt, failures, max_attempts, rescues, created_at, finished_at,"
            " progress_note, error_class, error_message)"
            " SELECT gen_random_uuid(), 'trial_add', 'default', 5, '[]', '{}', '{}',"
            " 'succeeded', 1, 0, 5, 0, at, at, '', '', ''"
            " FROM (SELECT now() - n * interval '1 minute' AS at"
            " FROM generate_series(1, 4000) AS n) AS moment"
        )
        cursor.execute(
            "INSERT INTO tasks_attempt (task_id, number, queue, actor, outcome, due_at,"
            " started_at, finished_at, error_class, error_message, traceback, log)"
            " SELECT id, 1, queue, actor, state, created_at, created_at, finished_at,"
            " '', '', '', '' FROM tasks_task"
        )
        cursor.execute("ANALYZE tasks_task")
        cursor.execute("ANALYZE tasks_attempt")


def test_a_scrape_walks_through_no_history(history):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {metrics._COUNTS}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "tasks_attempt_finished_idx" in plan
    assert "tasks_task_created_idx" in plan
    assert "Seq Scan on tasks_attempt" not in plan
    assert "Seq Scan on tasks_task " not in plan
