"""Metrics of the ledger for Prometheus: counters and histograms here, gauges beside.

All of it is read from the database at the scrape, so that it is right with any number of
processes, whatever dies. Finished rows are not counted again: their sum stands in the
tallies (see `tasks.tallying`), only what happened since the last fold is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from django.db import connection
from prometheus_client.core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from tasks import gauges
from tasks.states import UNFINISHED
from tasks.tallies import BOUNDS
from tasks.tallying import COLUMNS, ENDED, ENQUEUED, SPREAD

_RANGE = {
    "since": "(SELECT coalesce(max(counted_until), 'epoch') FROM tasks_tallymark)",
    # With an upper bound the planner takes the unknown range for a small one.
    "until": "'infinity'",
    "minute_of_end": "NULL::timestamptz",
    "minute_of_enqueue": "NULL::timestamptz",
}

#: One statement, so one snapshot: no fold comes between the mark, the totals and the rest.
#: A run that ends turns from a running task into an attempt in the same commit.
_COUNTS = f"""
WITH grouped AS (
    {ENDED.format(**_RANGE)} UNION ALL {ENQUEUED.format(**_RANGE)}
    UNION ALL
    SELECT NULL, queue, actor, 'running', NULL::int, NULL::int, count(*), 0, 0
    FROM tasks_task WHERE state = 'running' GROUP BY queue, actor
)
SELECT queue, actor, {SPREAD} FROM grouped GROUP BY queue, actor
UNION ALL
SELECT queue, actor, {", ".join(COLUMNS)} FROM tasks_total
"""  # noqa: S608 - names of columns

#: Metric -> the columns that it adds up, and what it says.
_COUNTERS = {
    "enqueued": (("enqueued",), "Tasks that were enqueued."),
    "started": (("runs",), "Runs that were started."),
    "failed": (("failed", "poisoned"), "Tasks that failed for good."),
    "retried": (("retried",), "Runs that failed and are tried again."),
    "deferred": (("deferred",), "Runs that a limit put off; they burn no attempt."),
    "returned": (("returned",), "Runs given back by a worker that stopped."),
    "rescued": (("rescued",), "Tasks taken from a dead worker and given to another."),
}
_OUTCOMES = ("succeeded", "failed", "cancelled", "poisoned")
_HISTOGRAMS = {
    "wait": "From the moment a task might have run to the start of the run.",
    "run": "From the start of a run to its end.",
}
_LABELS = ("queue", "actor")


@dataclass(frozen=True, slots=True)
class Count:
    """What has happened ever to the tasks of one queue and actor."""

    queue: str
    actor: str
    numbers: dict[str, int]
    buckets: dict[str, list[int]]


def collect() -> Iterable[Metric]:
    """Yield counters and histograms by queue and actor, then the gauges."""
    counts = read_counts()
    for name, (columns, text) in _COUNTERS.items():
        counter = CounterMetricFamily(f"fliptech_tasks_{name}", text, labels=_LABELS)
        for one in counts:
            value = sum(one.numbers[column] for column in columns)
            counter.add_metric([one.queue, one.actor], value)
        yield counter
    yield _finished(counts)
    for name, text in _HISTOGRAMS.items():
        yield _histogram(name, text, counts)
    yield from gauges.collect()


def read_counts() -> list[Count]:
    """Return what has happened ever, by queue and actor."""
    summed: dict[tuple[str, str], Count] = {}
    for queue, actor, *values in gauges.ask(_COUNTS):
        row = dict(zip(COLUMNS, values, strict=True))
        buckets = {name: row.pop(f"{name}_buckets") for name in _HISTOGRAMS}
        known = summed.setdefault(
            (queue, actor),
            Count(
                queue,
                actor,
                dict.fromkeys(row, 0),
                {n: [0] * len(b) for n, b in buckets.items()},
            ),
        )
        for name, value in row.items():
            known.numbers[name] += value
        for name, more in buckets.items():
            known.buckets[name] = [
                a + b for a, b in zip(known.buckets[name], more, strict=True)
            ]
    return [summed[key] for key in sorted(summed)]


def _finished(counts: Sequence[Count]) -> Metric:
    """Every outcome is told, also at 0: an alert can't see a series being born."""
    finished = CounterMetricFamily(
        "fliptech_tasks_finished",
        "Tasks that reached their end, by outcome.",
        labels=[*_LABELS, "outcome"],
    )
    for one in counts:
        for outcome in _OUTCOMES:
            finished.add_metric([one.queue, one.actor, outcome], one.numbers[outcome])
    return finished


def _histogram(name: str, text: str, counts: Sequence[Count]) -> Metric:
    histogram = HistogramMetricFamily(
        f"fliptech_tasks_{name}_seconds", text, labels=_LABELS
    )
    bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
    for one in counts:
        histogram.add_metric(
            [one.queue, one.actor],
            buckets=list(zip(bounds, accumulate(one.buckets[name]), strict=True)),
            sum_value=one.numbers[f"{name}_us"] / 1_000_000,
        )
    return histogram


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
