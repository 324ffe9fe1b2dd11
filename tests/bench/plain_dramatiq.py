"""The peer without records: Dramatiq on RabbitMQ, as its documentation sets it up.

Imported by the driver and, through the `dramatiq` command line, by the worker.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from tests.bench.driving import Worker
from tests.bench.waiting import IDLE_SECONDS, NotesFile, wait_until

QUEUE = "plain"
#: Milliseconds.
DAY = 86_400_000
#: Seconds after which a delayed message is not waited for any more.
GIVE_UP = 10.0
broker = RabbitmqBroker(url=os.environ["BENCH_RABBITMQ_URL"], confirm_delivery=True)
dramatiq.set_broker(broker)
notes = NotesFile(Path(os.environ["BENCH_FOLDER"]) / "notes")
_runs = itertools.count(1)


@dramatiq.actor(queue_name=QUEUE)
def noop(last: int = 0) -> None:
    """Do nothing, but note when the first run and the `last` one are done."""
    run = next(_runs)
    if run in (1, last):
        notes.write(time.time())


@dramatiq.actor(queue_name=QUEUE)
def measure_wait(sent_at: float) -> None:
    """Note the seconds since the message was sent."""
    notes.write(time.time() - sent_at)


class Driver:
    """Dramatiq as a `tests.bench.driving.Peer`."""

    def enqueue(self, count: int) -> float:
        """Send with confirms, one round trip each."""
        noop.send()
        began = time.perf_counter()
        for _ in range(count):
            noop.send()
        seconds = time.perf_counter() - began
        broker.flush(QUEUE)
        return seconds

    def enqueue_in_bulk(self, count: int) -> float:
        """Dramatiq has no bulk: one by one is what there is."""
        return self.enqueue(count)

    def work_off(self, count: int, pool: str = "") -> float:
        """Work off a backlog with one process of eight threads."""
        notes.clear()
        _fill(lambda: noop.send(last=count), count)
        wait_until(lambda: broker.get_queue_message_counts(QUEUE)[0] == count)
        with _worker() as worker:
            wait_until(lambda: len(notes.read()) == 2, worker.check)
        first, last = notes.read()
        return last - first

    def latencies(self, count: int) -> list[float]:
        """Send to an idle worker."""
        notes.clear()
        with _worker() as worker:
            for _ in range(count):
                _send_and_wait(worker)
        return notes.read()

    def idle_memory(self) -> float:
        """Return what a worker holds that has nothing to do, in millions of bytes."""
        with _worker() as worker:
            time.sleep(10)
            return worker.memory()

    def delayed(self, count: int) -> dict[str, float]:
        """Say how late a message due in one second is behind `count` due tomorrow."""
        notes.clear()
        _fill(lambda: noop.send_with_options(delay=DAY), count)
        with _worker() as worker:
            # It takes as many as it may, 1,000 for each of its threads, and holds them.
            time.sleep(8)
            memory, due = worker.memory(), time.time() + 1
            measure_wait.send_with_options(args=(due,), delay=1000)
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: len(notes.read()) > 0, worker.check, 0.02, GIVE_UP)
        broker.flush(QUEUE)
        late = notes.read() or [float(GIVE_UP)]
        return {"late_ms": late[0] * 1000, "memory": memory}


def _fill(send: Callable[[], object], count: int) -> None:
    """Send many; filling is not measured, so it goes without confirms."""
    broker.confirm_delivery = False
    del broker.connection
    for _ in range(count):
        send()
    broker.confirm_delivery = True
    del broker.connection


def _send_and_wait(worker: Worker) -> None:
    before = len(notes.read())
    measure_wait.send(time.time())
    time.sleep(IDLE_SECONDS)
    wait_until(lambda: len(notes.read()) > before, worker.check)


def _worker() -> Worker:
    command = [
        sys.executable,
        "-m",
        "dramatiq",
        __name__,
        "--processes=1",
        "--threads=8",
    ]
    return Worker(command)
