"""The supervisor: keep so many worker processes alive, each replaceable alone."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from tasks.gating import gates, shut_actors
from tasks.models import Task, Worker
from tasks.rescuing import rescue_from
from tasks.scaling import Load, Pool, is_calm, wanted_size
from tasks.states import State

logger = logging.getLogger(__name__)

#: Seconds between two looks at the children.
LOOK_SECONDS = 0.5
#: Seconds between two measurements of the load, where the pool scales.
MEASURE_SECONDS = 2.0
#: Waiting tasks are not counted beyond this: it is as good as many.
COUNT_LIMIT = 10_000
#: A child that dies younger than this is replaced more and more slowly.
YOUNG_SECONDS = 10.0
MAX_BACKOFF_SECONDS = 30.0
#: Seconds after which a child that will not stop is killed; above a worker's own grace.
KILL_SECONDS = 40.0


@dataclass
class Child:
    """One place in the pool and the process that fills it."""

    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    early_deaths: int = 0
    start_after: float = field(default=0.0)


class Supervisor:
    """Starts `manage.py worker` processes and replaces each that ends."""

    def __init__(
        self, arguments: Sequence[str], pool: Pool, queues: Sequence[str]
    ) -> None:
        """`arguments` are passed on to every `manage.py worker` of `queues`."""
        self._command = [sys.executable, sys.argv[0], "worker", *arguments]
        self._children = [Child() for _ in range(pool.size)]
        self._leaving: list[Child] = []
        self._pool = pool
        self._queues = list(queues)
        self._calm_since = self._measured_at = time.monotonic()
        self._stop = threading.Event()
        # Children read the other end: when this process dies, they notice.
        self._lifeline, self._held_open = os.pipe()

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT, then stop all children in good order."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        while not self._stop.is_set():
            for child in self._children:
                self._look_after(child)
            self._let_go()
            if self._pool.minimum < self._pool.maximum:
                self._scale()
            self._stop.wait(LOOK_SECONDS)
        self._stop_all()

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            self._bury(child, code, now)
        if now >= child.start_after:
            self._start(child, now)

    def _start(self, child: Child, now: float) -> None:
        child.process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            [*self._command, "--lifeline", str(self._lifeline)],
            pass_fds=[self._lifeline],
        )
        child.started_at = now

    def _bury(self, child: Child, code: int, now: float) -> None:
        assert child.process is not None
        pid, child.process = child.process.pid, None
        if code == 0:
            child.early_deaths = 0
            return
        logger.error("Worker process %d ended with %d; it is replaced.", pid, code)
        if now - child.started_at < YOUNG_SECONDS:
            child.early_deaths += 1
            pause = min(2.0 ** (child.early_deaths - 1), MAX_BACKOFF_SECONDS)
            child.start_after = now + pause
        else:
            child.early_deaths = 0
        _rescue_tasks_of(pid)

    def _scale(self) -> None:
        """Start or stop at most one process, as the load asks."""
        now = time.monotonic()
        if now - self._measured_at < MEASURE_SECONDS:
            return
        self._measured_at = now
        try:
            close_old_connections()
            load = _measure(self._queues)
            if not is_calm(self._pool, load):
                self._calm_since = now
            size = wanted_size(self._pool, load, now - self._calm_since)
            if size < self._pool.size:
                self._shrink()
                self._calm_since = now
        except (DatabaseError, InterfaceError) as error:
            logger.warning("No scaling: the database is away (%s).", error)
            return
        if size > self._pool.size:
            logger.info("%d tasks wait: the pool grows to %d.", load.waiting, size)
            self._children.append(Child())
        self._pool = replace(self._pool, size=len(self._children))

    def _shrink(self) -> None:
        """Stop a process that runs nothing, if there is one."""
        pids = [child.process.pid for child in self._children if child.process]
        busy = set(
            Task.objects.filter(
                state=State.RUNNING,
                worker__host=socket.gethostname(),
                worker__pid__in=pids,
            ).values_list("worker__pid", flat=True)
        )
        for child in reversed(self._children):
            if child.process is not None and child.process.pid not in busy:
                logger.info("The pool shrinks to %d.", len(self._children) - 1)
                child.process.terminate()
                self._children.remove(child)
                self._leaving.append(child)
                return

    def _let_go(self) -> None:
        """Bury the processes that were let go and have ended."""
        for child in list(self._leaving):
            code = child.process.poll() if child.process else 0
            if code is not None:
                # One that had not set its signal handler yet dies of SIGTERM itself.
                if child.process and code != -signal.SIGTERM:
                    self._bury(child, code, time.monotonic())
                self._leaving.remove(child)

    def _stop_all(self) -> None:
        alive = [
            child.process
            for child in (*self._children, *self._leaving)
            if child.process and child.process.poll() is None
        ]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + KILL_SECONDS
        for process in alive:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                logger.error(
                    "Worker process %d did not stop and is killed.", process.pid
                )
                process.kill()
                process.wait()
                _rescue_tasks_of(process.pid)


def _measure(queues: Sequence[str]) -> Load:
    """Count what may run now in the queues, and of the actors, that are not paused."""
    paused = [name for name, gate in gates(queues).items() if gate.is_paused]
    mine = Task.objects.filter(queue__in=set(queues).difference(paused))
    held = [name for name, gate in shut_actors().items() if gate.is_paused]
    if held:
        mine = mine.exclude(actor__in=held)
    waiting = mine.filter(state=State.QUEUED)
    oldest = waiting.order_by("run_at").values_list("run_at", flat=True).first()
    age = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    return Load(
        waiting=waiting[:COUNT_LIMIT].count(),
        oldest_seconds=age,
        running=mine.filter(state=State.RUNNING).count(),
    )


def _rescue_tasks_of(pid: int) -> None:
    """Give a dead child's tasks to others at once, without waiting for the lease."""
    try:
        close_old_connections()
        worker = (
            Worker.objects.filter(
                host=socket.gethostname(), pid=pid, stopped_at__isnull=True
            )
            .order_by("-started_at")
            .first()
        )
        if worker is not None:
            Worker.objects.filter(pk=worker.pk).update(stopped_at=timezone.now())
            rescued = rescue_from(worker.pk)
            logger.info("%d tasks of worker %s were given to others.", rescued, worker)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Its leases have to run out first: no database (%s).", error)
