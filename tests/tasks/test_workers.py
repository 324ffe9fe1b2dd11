"""Worker processes: scaled, renewed, quieted, stopped, and started by plain Dramatiq."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection

from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Task, Worker
from tasks.states import FINISHED, State
from tests.tasks.conftest import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def state_of(task_id):
    return Task.objects.get(pk=task_id).state


def act(client, action):
    ids = list(Worker.objects.values_list("pk", flat=True))
    client.post("/admin/tasks/worker/", {"action": action, "_selected_action": ids})


def test_a_quiet_worker_finishes_what_it_runs_and_takes_no_more(
    rabbitmq, start_process, wait_until, admin_client
):
    process = start_process(
        "worker", "--queues=default", "--threads=1", TASK_LEASE_SECONDS="3"
    )
    wait_until(lambda: Worker.objects.exists())
    long, next_one = enqueue_many("trial_sleep", [{"seconds": 2.5}] * 2)
    wait_until(lambda: State.RUNNING in (state_of(long), state_of(next_one)))
    act(admin_client, "quiet_workers")
    assert "quiet" in admin_client.get("/admin/tasks/worker/").content.decode()
    wait_until(
        lambda: (
            sorted([state_of(long), state_of(next_one)])
            == [State.QUEUED, State.SUCCEEDED]
        )
    )
    assert process.poll() is None, "a quiet worker stays"
    act(admin_client, "stop_workers")
    assert process.wait(30) == 0
    assert Worker.objects.get().stopped_at is not None


def test_an_idle_worker_takes_less_than_a_hundred_megabytes(
    rabbitmq, start_process, wait_until
):
    start_process("worker", TASK_LEASE_SECONDS="3")
    # The second heartbeat: every thread has been at its work by then.
    wait_until(lambda: Worker.objects.filter(memory_bytes__gt=0).exists(), 40)
    worker = Worker.objects.get()
    wait_until(lambda: Worker.objects.get().heartbeat_at > worker.heartbeat_at)
    assert Worker.objects.get().memory_bytes < 100e6


def test_a_worker_that_has_grown_too_large_is_renewed(rabbitmq, start_process):
    process = start_process(
        "worker",
        "--queues=default",
        "--threads=1",
        "--max-memory-mb=1",
        TASK_LEASE_SECONDS="3",
    )
    assert process.wait(40) == 0
    assert Worker.objects.get().stopped_at is not None


def test_a_pool_grows_when_tasks_wait(rabbitmq, start_process, wait_until):
    start_process(
        "workers",
        "--queues=default",
        "--threads=1",
        "--min-processes=1",
        "--max-processes=2",
    )
    wait_until(lambda: Worker.objects.exists())
    enqueue_many("trial_sleep", [{"seconds": 0.8}] * 15)
    wait_until(lambda: Worker.objects.count() == 2, 30)


def test_a_pool_without_sense_is_one_sentence():
    with pytest.raises(CommandError, match="5 to 2 processes make no pool"):
        call_command("workers", "--min-processes=5", "--max-processes=2")


def test_the_plain_dramatiq_command_runs_tasks_with_their_claims(
    rabbitmq, settings, wait_until
):
    url, query = django_settings.DATABASE_URL.partition("?")[::2]
    name = connection.settings_dict["NAME"]
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("dramatiq")),
            *("tasks.cli", "--processes=1", "--threads=2"),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": f"{url.rsplit('/', 1)[0]}/{name}?{query}",
            "RABBITMQ_QUEUE_PREFIX": settings.RABBITMQ_QUEUE_PREFIX,
            "EXTRA_ACTOR_MODULES": "tests.tasks.trial_actors",
            "TASK_LEASE_SECONDS": "3",
        },
    )
    try:
        wait_until(lambda: Worker.objects.exists(), 40)
        worker = Worker.objects.get()
        born = worker.heartbeat_at
        task_id = enqueue("trial_add", a=40, b=2)
        wait_until(lambda: state_of(task_id) in FINISHED, 30)
        task = Task.objects.get(pk=task_id)
        assert (task.result, task.attempt, task.worker_id) == (42, 1, worker.pk)
        wait_until(lambda: Worker.objects.get().heartbeat_at > born)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert Worker.objects.get().stopped_at is not None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
