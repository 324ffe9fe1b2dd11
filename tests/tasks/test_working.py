"""Real worker processes on the real RabbitMQ."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import connection
from dramatiq.results import ResultFailure, ResultTimeout

from tasks.controlling import cancel
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Attempt, Task, Worker
from tasks.states import FINISHED, State
from tests.tasks.trial_actors import trial_add, trial_fail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(rabbitmq, start_process, wait_until):
    process = start_process(
        "worker", "--queues=default", "--threads=4", TASK_LEASE_SECONDS="4"
    )
    wait_until(lambda: Worker.objects.exists())
    return process


@pytest.fixture
def scheduler(rabbitmq, start_process):
    return start_process("scheduler")


def finished(task_id):
    return Task.objects.filter(pk=task_id, state__in=FINISHED).exists()


def test_a_result_comes_back_through_dramatiqs_own_call(worker):
    assert trial_add.send(40, 2).get_result(block=True, timeout=20_000) == 42


def test_sessions_that_were_cut_cost_later_runs_no_attempt(
    rabbitmq, start_process, effects, wait_until
):
    start_process("worker", "--queues=default", "--threads=1")
    first = enqueue("trial_fenced_effect", name="before")
    wait_until(lambda: finished(first))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    second = enqueue("trial_fenced_effect", name="after")
    wait_until(lambda: finished(second))
    task = Task.objects.get(pk=second)
    assert (task.state, task.failures) == (State.SUCCEEDED, 0)


def test_a_failure_comes_back_as_one(worker):
    with pytest.raises(ResultFailure, match="this can't be helped"):
        trial_fail.send("permanent").get_result(block=True, timeout=20_000)


def test_waiting_for_a_result_ends_in_time(rabbitmq):
    with pytest.raises(ResultTimeout):
        trial_add.send(1, 2).get_result(block=True, timeout=50)


@pytest.mark.parametrize(
    ("kind", "outcomes"),
    [
        ("permanent", ["failed"]),
        ("plain", ["retried", "retried", "failed"]),
        ("transient", ["retried", "retried", "failed"]),
        ("limited", ["deferred"] * 6 + ["succeeded"]),
    ],
)
def test_the_error_decides_about_the_retries(
    worker, scheduler, wait_until, kind, outcomes
):
    task_id = enqueue("trial_fail", kind=kind)
    wait_until(lambda: finished(task_id), 40)
    attempts = Attempt.objects.filter(task=task_id).order_by("number")
    assert [attempt.outcome for attempt in attempts] == outcomes


def test_progress_is_seen_and_kept_after_the_failure(worker, wait_until):
    task_id = enqueue("trial_progress")
    wait_until(lambda: finished(task_id))
    task = Task.objects.get(pk=task_id)
    assert (task.progress_done, task.progress_total, task.progress_note) == (
        3,
        10,
        "three",
    )


def test_log_lines_are_kept_with_their_attempt_up_to_a_limit(worker, wait_until):
    few, many = enqueue("trial_log", lines=2), enqueue("trial_log", lines=1000)
    wait_until(lambda: finished(few) and finished(many))
    kept = Attempt.objects.get(task=few).log.splitlines()
    assert [line.split("INFO ")[1] for line in kept] == ["line 0", "line 1"]
    kept = Attempt.objects.get(task=many).log.splitlines()
    assert len(kept) == 201
    assert kept[-1].startswith("… further lines")


def test_a_result_that_json_can_not_hold_is_a_clear_failure(worker, wait_until):
    task_id = enqueue("trial_unjsonable")
    wait_until(lambda: finished(task_id))
    assert (
        "returned something that JSON can't hold"
        in Task.objects.get(pk=task_id).error_message
    )


def test_a_running_task_is_cancelled_at_the_next_heartbeat(worker, wait_until):
    task_id = enqueue("trial_sleep", seconds=60)
    wait_until(lambda: Task.objects.get(pk=task_id).state == State.RUNNING)
    cancel(task_id)
    wait_until(lambda: Task.objects.get(pk=task_id).state == State.CANCELLED)


def test_an_overrun_is_interrupted_and_counts_as_a_failure(worker, wait_until):
    task_id = enqueue("trial_overrun")
    wait_until(lambda: Task.objects.get(pk=task_id).failures == 1)
    assert Task.objects.get(pk=task_id).error_class == "TimeLimitExceeded"


def test_a_worker_that_is_stopped_finishes_what_it_began(worker, wait_until):
    task_id = enqueue("trial_sleep", seconds=1.5)
    wait_until(lambda: Task.objects.get(pk=task_id).state == State.RUNNING)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert Task.objects.get(pk=task_id).state == State.SUCCEEDED
    assert Worker.objects.get().stopped_at is not None


def test_a_killed_child_is_replaced_and_its_tasks_run_again(
    rabbitmq, scheduler, start_process, wait_until
):
    start_process("workers", "--processes=1", "--threads=2", TASK_LEASE_SECONDS="60")
    wait_until(lambda: Worker.objects.exists())
    task_id = enqueue("trial_sleep", seconds=2)
    wait_until(lambda: Task.objects.get(pk=task_id).state == State.RUNNING)
    os.kill(Worker.objects.get().pid, signal.SIGKILL)
    wait_until(lambda: finished(task_id), 40)
    task = Task.objects.get(pk=task_id)
    assert (task.state, task.attempt, task.rescues, task.failures) == (
        State.SUCCEEDED,
        2,
        1,
        0,
    )


def test_children_end_with_a_supervisor_that_was_killed(
    rabbitmq, start_process, wait_until
):
    supervisor = start_process("workers", "--processes=1", "--threads=2")
    wait_until(lambda: Worker.objects.exists())
    supervisor.kill()
    wait_until(lambda: Worker.objects.filter(stopped_at__isnull=False).exists())


def test_a_worker_is_renewed_after_its_tasks(rabbitmq, start_process, wait_until):
    process = start_process(
        "worker", "--queues=default", "--threads=2", "--max-tasks=3"
    )
    enqueue_many("trial_add", [{"a": n, "b": 0} for n in range(3)])
    assert process.wait(30) == 0


def test_two_schedulers_have_one_leader_and_the_other_takes_over(
    rabbitmq, worker, start_process, wait_until
):
    first, second = start_process("scheduler"), start_process("scheduler")
    soon = enqueue("trial_fail", kind="plain")
    wait_until(lambda: finished(soon), 40)
    first.kill()
    again = enqueue("trial_fail", kind="plain")
    wait_until(lambda: finished(again), 40)
    assert second.poll() is None


def test_without_rabbitmq_the_worker_feeds_itself(settings, start_process, wait_until):
    settings.RABBITMQ_URL = ""
    start_process("worker", "--queues=default", "--threads=2")
    ids = enqueue_many("trial_add", [{"a": n, "b": 1} for n in range(20)])
    failing = enqueue("trial_fail", kind="plain")
    wait_until(lambda: finished(failing), 40)
    wait_until(lambda: Task.objects.filter(state=State.SUCCEEDED).count() == len(ids))


def test_an_unknown_queue_is_one_sentence(start_process, capfd):
    process = start_process("worker", "--queues=mail")
    assert process.wait(20) == 1
    assert "There is no queue mail: use some of email, ai" in capfd.readouterr().err
