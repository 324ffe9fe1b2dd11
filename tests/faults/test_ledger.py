"""Kill what can be killed while fenced tasks run, and count exactly."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter

import pytest
from django.db import connection

from tasks.enqueueing import enqueue_many
from tasks.models import Task, Worker
from tasks.states import FINISHED, State

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

TASKS = 400
SECONDS = 20.0


def kill_a_worker(dice: random.Random) -> None:
    pids = list(
        Worker.objects.filter(stopped_at__isnull=True).values_list("pid", flat=True)
    )
    if pids:
        try:
            os.kill(dice.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            return  # killed already; its row does not know yet


def cut_database_connections(dice: random.Random) -> None:
    """End a random half of everybody else's sessions in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        pids = [row[0] for row in cursor.fetchall()]
        for pid in dice.sample(pids, len(pids) // 2):
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


@pytest.mark.timeout(240)
def test_kills_lose_no_task_and_double_no_fenced_effect(
    rabbitmq,
    effects,
    start_process,
    wait_until,
):
    seed = int(os.environ.get("FAULT_SEED", random.randrange(10**6)))
    print(f"FAULT_SEED={seed}")
    dice = random.Random(seed)
    environment = {"TASK_LEASE_SECONDS": "4", "TASK_MAX_RESCUES": "50"}
    pool = ("workers", "--queues=default", "--processes=2", "--threads=4")
    start_process(*pool, **environment)
    schedulers = [start_process("scheduler", **environment) for _ in range(2)]
    names = [f"effect-{n:04}" for n in range(TASKS)]
    ids = enqueue_many(
        "trial_fenced_effect", [{"name": n, "seconds": 0.1} for n in names]
    )

    kills: Counter[str] = Counter()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(dice.uniform(0.5, 1.5))
        kind = dice.choice(["worker", "worker", "scheduler", "database"])
        kills[kind] += 1
        if kind == "worker":
            kill_a_worker(dice)
        elif kind == "scheduler":
            schedulers.pop(0).kill()
            schedulers.append(start_process("scheduler", **environment))
        else:
            cut_database_connections(dice)

    wait_until(
        lambda: Task.objects.filter(pk__in=ids, state__in=FINISHED).count() == TASKS,
        120,
    )
    told = f"FAULT_SEED={seed}, {dict(kills)}"
    states = Counter(Task.objects.filter(pk__in=ids).values_list("state", flat=True))
    assert states == {State.SUCCEEDED: TASKS}, told
    assert effects() == names, told
