"""FlipTech Pro with very many tasks: what each thing costs that reads them."""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import django
from django.core.management import call_command
from django.db import connection

django.setup()

from tasks import (  # noqa: E402
    archiving,
    claiming,
    figures,
    gating,
    metrics,
    planning,
    recording,
    relaying,
    rescuing,
)
from tasks.enqueueing import enqueue, enqueue_many  # noqa: E402
from tasks.models import Schedule, Task  # noqa: E402
from tasks.publishing import Publisher  # noqa: E402
from tests.bench.driving import Worker  # noqa: E402
from tests.bench.filling import (  # noqa: E402
    fill_delayed,
    fill_history,
    forget_everything,
)
from tests.bench.pages import Site  # noqa: E402
from tests.bench.waiting import wait_until  # noqa: E402

#: How many finished in the last days that archiving is measured on.
ARCHIVED = 3000
Calls = Mapping[str, Callable[[], object]]


class Driver:
    """Ours, asked about much."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        # A standing order that runs in between brings its room into the worker's memory.
        planning.sync_declared()
        Schedule.objects.update(is_enabled=False)

    def idle_memory(self) -> float:
        """Return what a worker holds that has nothing to do, in millions of bytes."""
        forget_everything()
        with _process("worker") as worker:
            time.sleep(10)
            return worker.memory()

    def delayed(self, count: int) -> dict[str, float]:
        """Say how late a task due in one second is behind `count` due tomorrow."""
        forget_everything()
        fill_delayed(count, "default", "bench_measure_wait")
        with _process("worker", "--queues=default") as worker, _process("scheduler"):
            # The first one waits for the processes to have started.
            _due_in_a_second(worker)
            late = [_due_in_a_second(worker) for _ in range(3)]
            return {
                "late_ms": statistics.median(late) * 1000,
                "memory": worker.memory(),
            }

    def fill(self, count: int) -> float:
        """Make a history; return the seconds that it took."""
        forget_everything()
        with connection.cursor() as cursor:
            # It would gather the statistics at some moment of the measurement.
            cursor.execute("ALTER TABLE tasks_task SET (autovacuum_enabled = off)")
        began = time.perf_counter()
        fill_history(count)
        return time.perf_counter() - began

    def analyse(self) -> None:
        """Give the planner what autovacuum gives it within a minute or two."""
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def read(self, calls: int) -> dict[str, dict[str, float]]:
        """Measure everything that reads the tasks; medians in milliseconds."""
        long_ago = datetime.now(UTC) - timedelta(days=10)
        failed = Task.objects.filter(state="failed", created_at__lt=long_ago)
        sample = failed.latest("created_at")
        with Site() as site:
            kinds: dict[str, Calls] = {
                "what the scheduler asks": _scheduler_calls(),
                "task list": _command_calls(sample),
                "admin's list of tasks": site.list_calls(sample),
                "other pages": site.other_calls(sample),
            }
            return {
                "claims and ends": _claims_and_ends(calls),
                "upkeep": {
                    "archiving 1,000": _archiving(),
                    "metrics": _median(lambda: list(metrics.collect()), calls),
                },
                **{
                    kind: {name: _median(call, calls) for name, call in named.items()}
                    for kind, named in kinds.items()
                },
            }


class _NoRabbitMQ(Publisher):
    """Only PostgreSQL's part is measured here."""

    def publish(self, deliveries: Any) -> list[Any]:
        return [one.task_id for one in deliveries]

    def ready_count(self, queue: str) -> int:
        return 1


def _process(*arguments: str) -> Worker:
    return Worker([sys.executable, "manage.py", *arguments])


def _due_in_a_second(worker: Worker) -> float:
    due = datetime.now(UTC) + timedelta(seconds=1)
    task_id = enqueue("bench_measure_wait", run_at=due, sent_at=due.timestamp())
    task = Task.objects.filter(pk=task_id)
    wait_until(lambda: task.filter(state="succeeded").exists(), worker.check)
    return cast("float", task.get().result)


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _median(call: Callable[[], object], calls: int) -> float:
    call()
    return statistics.median(_milliseconds(call) for _ in range(calls))


def _claims_and_ends(calls: int) -> dict[str, float]:
    ids = enqueue_many("bench_noop", [{}] * 9 * calls)
    claims: list[Any] = []
    times: dict[str, list[float]] = {"claim": [], "claim eight": [], "end eight": []}
    for _ in range(calls):
        one, eight, ids = ids[:1], ids[1:9], ids[9:]
        for name, part in (("claim", one), ("claim eight", eight)):
            claim = partial(claiming.claim_together, part, None)
            times[name].append(_milliseconds(lambda: claims.extend(claim())))  # noqa: B023
        endings = [recording.returning(held) for held in claims[-8:]]
        end = partial(recording.end_together, endings)
        times["end eight"].append(_milliseconds(end))
    Task.objects.filter(actor="bench_noop").delete()
    return {name: statistics.median(measured) for name, measured in times.items()}


def _archiving() -> float:
    """Archive some in batches of 1,000; return the milliseconds of one."""
    from django.conf import settings

    last = Task.objects.order_by("finished_at").filter(finished_at__isnull=False)
    days = (datetime.now(UTC) - last[ARCHIVED].finished_at) / timedelta(days=1)  # type: ignore[operator]
    for state in ("SUCCEEDED", "FAILED", "CANCELLED"):
        setattr(settings, f"TASK_KEEP_{state}_DAYS", days)
    moved: list[int] = []
    took = _milliseconds(lambda: moved.append(archiving.archive_finished_tasks()))
    return took / moved[0] * 1000


def _scheduler_calls() -> Calls:
    nobody = _NoRabbitMQ()
    return {
        "release": relaying.release_due,
        "owed": relaying.owed,
        "raise": lambda: relaying.raise_waiting(nobody),
        "reclaim": lambda: relaying.reclaim_lost(nobody),
        "rescue": rescuing.rescue_expired,
        "plan": planning.plan_due,
        "settle": gating.settle_drained,
        "lengths": metrics.queue_lengths,
        "figures": lambda: list(figures.figures()),
    }


def _command_calls(sample: Task) -> Calls:
    def listing(*options: str) -> Callable[[], object]:
        return lambda: call_command("task", "list", *options, stdout=io.StringIO())

    states = ("scheduled", "queued", "running", "succeeded", "failed", "cancelled")
    return {
        "all": listing(),
        **{state: listing(f"--state={state}") for state in states},
        "actor": listing(f"--actor={sample.actor}"),
        "no such actor": listing("--actor=nobody"),
        "queue": listing(f"--queue={sample.queue}"),
        "failed of a queue": listing("--state=failed", f"--queue={sample.queue}"),
    }
