"""Metrics of the ledger for Prometheus, read from the database at each scrape.

Counting rows instead of events makes the figures right with any number of processes.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from prometheus_client.core import GaugeMetricFamily, Metric

from tasks.states import UNFINISHED, State


def collect() -> Iterable[Metric]:
    """Yield tasks by state and queue, age of the oldest waiting one, and workers."""
    by_state = GaugeMetricFamily(
        "fliptech_tasks", "Tasks in the ledger.", labels=["queue", "state"]
    )
    depth = GaugeMetricFamily(
        "fliptech_tasks_queue_depth",
        "Tasks that may run now and wait.",
        labels=["queue"],
    )
    oldest = GaugeMetricFamily(
        "fliptech_tasks_oldest_waiting_seconds",
        "Age of the oldest task that may run now and waits.",
        labels=["queue"],
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT queue, state, count(*) FROM tasks_task GROUP BY 1, 2")
        for queue, state, count in cursor.fetchall():
            by_state.add_metric([queue, state], count)
            if state == State.QUEUED:
                depth.add_metric([queue], count)
        cursor.execute(
            "SELECT queue, extract(epoch FROM clock_timestamp() - min(run_at))"
            " FROM tasks_task WHERE state = 'queued' GROUP BY 1"
        )
        for queue, age in cursor.fetchall():
            oldest.add_metric([queue], max(float(age), 0.0))
        cursor.execute("SELECT count(*) FROM tasks_worker WHERE stopped_at IS NULL")
        workers = GaugeMetricFamily(
            "fliptech_tasks_workers",
            "Worker processes alive.",
            value=cursor.fetchone()[0],
        )
    yield from (by_state, depth, oldest, workers)


def queue_lengths() -> list[tuple[str, int, int, int]]:
    """Return (queue, scheduled, queued, running) for each queue that has any."""
    return _lengths("queue")


def actor_lengths() -> list[tuple[str, int, int, int]]:
    """Return (actor, scheduled, queued, running) for each actor that has any."""
    return _lengths("actor")


def _lengths(column: str) -> list[tuple[str, int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {column}, count(*) FILTER (WHERE state = 'scheduled'),
                count(*) FILTER (WHERE state = 'queued'),
                count(*) FILTER (WHERE state = 'running')
            FROM tasks_task WHERE state = ANY(%s) GROUP BY {column}
            """,  # noqa: S608 - a constant above
            [list(UNFINISHED)],
        )
        return [tuple(row) for row in cursor.fetchall()]
