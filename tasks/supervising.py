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
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from tasks.models import Worker
from tasks.rescuing import rescue_from

logger = logging.getLogger(__name__)

#: Seconds between two looks at the children.
LOOK_SECONDS = 0.5
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

    def __init__(self, arguments: Sequence[str], processes: int) -> None:
        """`arguments` are passed on to every `manage.py worker`."""
        self._command = [sys.executable, sys.argv[0], "worker", *arguments]
        self._children = [Child() for _ in range(processes)]
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

    def _stop_all(self) -> None:
        alive = [
            c.process for c in self._children if c.process and c.process.poll() is None
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
