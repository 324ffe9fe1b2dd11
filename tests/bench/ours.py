"""FlipTech Pro's own tasks: rows in PostgreSQL, delivered by RabbitMQ."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import cast
from uuid import UUID

import django
from django.core.management import call_command
from django.db import connection

django.setup()

from tasks.broker import get_broker, rabbitmq_queue  # noqa: E402 - Django comes first
from tasks.enqueueing import enqueue, enqueue_many  # noqa: E402
from tasks.handover import handover  # noqa: E402
from tasks.models import Attempt, Task  # noqa: E402
from tasks.models import Worker as WorkerRow  # noqa: E402
from tests.bench.driving import Worker  # noqa: E402
from tests.bench.waiting import IDLE_SECONDS, wait_until  # noqa: E402


class Driver:
    """Ours as a `tests.bench.driving.Peer`."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        enqueue_many("bench_noop", [{}])
        _wait_until_published()

    def enqueue(self, count: int) -> float:
        """Enqueue in autocommit, until each row is committed and in RabbitMQ."""
        _clear()
        began = time.perf_counter()
        for _ in range(count):
            enqueue("bench_noop")
        _wait_until_published()
        return time.perf_counter() - began

    def enqueue_in_bulk(self, count: int) -> float:
        """Enqueue all at once, until each row is committed and in RabbitMQ."""
        _clear()
        began = time.perf_counter()
        enqueue_many("bench_noop", [{}] * count)
        _wait_until_published()
        return time.perf_counter() - began

    def work_off(self, count: int, pool: str = "") -> float:
        """Work off a backlog with one process of eight threads, all of it recorded."""
        _clear()
        enqueue_many("bench_noop", [{}] * count)
        _wait_until_published()
        with _worker() as worker:
            wait_until(lambda: _unfinished_count() == 0, worker.check, 0.1)
        assert Attempt.objects.filter(outcome="succeeded").count() == count
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM max(finished_at) - min(started_at))"
                " FROM tasks_task"
            )
            return float(cursor.fetchone()[0])

    def latencies(self, count: int) -> list[float]:
        """Enqueue to an idle worker."""
        _clear()
        with _worker() as worker:
            ids = [_enqueue_and_wait(worker) for _ in range(count)]
        return _results(ids)


def _enqueue_and_wait(worker: Worker) -> UUID:
    task_id = enqueue("bench_measure_wait", sent_at=time.time())
    time.sleep(IDLE_SECONDS)
    wait_until(lambda: _unfinished_count() == 0, worker.check)
    return task_id


def _results(ids: Sequence[UUID]) -> list[float]:
    tasks = Task.objects.in_bulk(ids)
    return [cast("float", tasks[task_id].result) for task_id in ids]


def _worker() -> Worker:
    # Renewal after 1000 tasks is measured as what it is, the worker's start: not here.
    arguments = ["--queues=default", "--threads=8", "--max-tasks=100000000"]
    return Worker([sys.executable, "manage.py", "worker", *arguments])


def _unfinished_count() -> int:
    return Task.objects.filter(state__in=["queued", "running"]).count()


def _wait_until_published() -> None:
    # Ends when RabbitMQ has confirmed everything and the rows say so.
    handover.flush(60)
    owed = Task.objects.filter(state="queued", published_at=None)
    wait_until(lambda: not owed.exists(), pause_seconds=0.005)


def _clear() -> None:
    handover.flush(30)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {Task._meta.db_table} CASCADE")
        cursor.execute(f"TRUNCATE {WorkerRow._meta.db_table}")
    get_broker().channel.queue_purge(rabbitmq_queue("default"))  # type: ignore[attr-defined]
