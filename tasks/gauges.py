"""How the ledger stands at this moment: backlog, workers, limits, the scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily, Metric

from tasks.gating import gates, shut_actors
from tasks.models import Worker
from tasks.scheduling import LEADER_LOCK

#: A queue at a time, each from its place in a partial index.
_QUEUES = """
SELECT lane.name,
    (SELECT count(*) FROM tasks_task WHERE state = 'queued' AND queue = lane.name),
    (SELECT count(*) FROM tasks_task WHERE state = 'scheduled' AND queue = lane.name),
    (SELECT count(*) FROM tasks_task WHERE state = 'running' AND queue = lane.name),
    coalesce((
        SELECT extract(epoch FROM clock_timestamp() - greatest(run_at, created_at))
        FROM tasks_task WHERE state = 'queued' AND queue = lane.name
        ORDER BY run_at LIMIT 1
    ), 0)::float8
FROM unnest(%s::text[]) AS lane(name)
"""

_SCHEDULER = """
SELECT
    (SELECT count(*) FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
    (SELECT extract(epoch FROM clock_timestamp() - max(counted_until))::float8
     FROM tasks_tallymark),
    (SELECT extract(epoch FROM clock_timestamp() - min(next_run_at))::float8
     FROM tasks_schedule WHERE is_enabled),
    (SELECT count(*) FROM tasks_lease WHERE expires_at > statement_timestamp())
"""

#: Metric by queue -> what it says, in the order of `_QUEUES`.
_BACKLOG = {
    "queue_depth": "Tasks that may run now and wait.",
    "scheduled": "Tasks that wait for their time: delays, retries, held queues.",
    "running": "Tasks that run.",
    "oldest_waiting_seconds": "Age of the oldest task that may run now and waits.",
}


def collect() -> Iterable[Metric]:
    """Yield the gauges; every queue of settings is told, also at 0."""
    yield from _backlog()
    yield from _workers()
    yield from _limits()
    yield from _scheduler()


def _backlog() -> Iterable[Metric]:
    rows = ask(_QUEUES, [list(settings.QUEUES)])
    for place, (name, text) in enumerate(_BACKLOG.items(), start=1):
        yield _gauge(name, text, {row[0]: max(row[place], 0) for row in rows})


def _workers() -> Iterable[Metric]:
    # Silent ones may be dead: the scheduler, which closes their rows, may be dead too.
    silent_since = Now() - timedelta(seconds=settings.TASK_LEASE_SECONDS * 3)
    alive = Worker.objects.filter(
        stopped_at__isnull=True, heartbeat_at__gt=silent_since
    )
    rows = list(alive.values_list("queues", "threads", "memory_bytes"))
    serving = dict.fromkeys(settings.QUEUES, 0)
    for queues, _, _ in rows:
        for queue in serving.keys() & set(queues):
            serving[queue] += 1
    yield _gauge("workers", "Worker processes alive that serve the queue.", serving)
    memory = [row[2] for row in rows]
    yield _plain("worker_processes", "Worker processes alive.", len(rows))
    yield _plain(
        "worker_threads", "Threads of all living workers.", sum(row[1] for row in rows)
    )
    yield _plain(
        "worker_memory_bytes", "Resident memory of all living workers.", sum(memory)
    )
    yield _plain(
        "worker_memory_max_bytes",
        "Resident memory of the largest living worker.",
        max(memory, default=0),
    )


def _limits() -> Iterable[Metric]:
    """What gates let through, of every queue and of those actors that are not open."""
    queues, actors = gates(), shut_actors()
    yield _gauge(
        "queue_draining",
        "1 while the queue finishes what it has and takes nothing new.",
        {name: int(gate.draining_since is not None) for name, gate in queues.items()},
    )
    for label, known in (("queue", queues), ("actor", actors)):
        yield _gauge(
            f"{label}_paused",
            f"1 while the {label} begins nothing.",
            {name: int(gate.is_paused) for name, gate in known.items()},
            label,
        )
        for name, text in (
            (
                "rate_per_minute",
                "Tasks that may begin per minute, where it is limited.",
            ),
            ("concurrency", "Tasks that may run at once, where that is limited."),
        ):
            limits = {gate.name: getattr(gate, name) for gate in known.values()}
            told = {one: limit for one, limit in limits.items() if limit is not None}
            yield _gauge(f"{label}_{name}", text, told, label)


def _scheduler() -> Iterable[Metric]:
    leading, behind, late, leases = ask(_SCHEDULER, [LEADER_LOCK])[0]
    yield _plain("schedulers_leading", "1 while a scheduler leads.", leading)
    yield _plain(
        "tally_behind_seconds",
        "Age of what is not in the tallies yet; a few seconds while a scheduler leads.",
        behind or 0,
    )
    yield _plain(
        "schedule_late_seconds",
        "How late the latest of the planned runs is that are not enqueued yet.",
        max(late or 0, 0),
    )
    yield _plain("leases_held", "Slots and locks that are held.", leases)


def ask(statement: str, parameters: Sequence[Any] | None = None) -> list[Any]:
    """Return the rows of a statement, without compiling its plan.

    A long backlog makes a plan look so dear that PostgreSQL would compile it, which
    takes longer than to run it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _gauge(
    name: str, text: str, values: Mapping[str, float], label: str = "queue"
) -> Metric:
    gauge = GaugeMetricFamily(f"fliptech_tasks_{name}", text, labels=[label])
    for labelled, value in values.items():
        gauge.add_metric([labelled], value)
    return gauge


def _plain(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"fliptech_tasks_{name}", text, value=value)
