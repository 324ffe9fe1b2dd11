"""One worker process: consume, keep the leases, stop in good order."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence

import dramatiq
import psutil
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone
from dramatiq.middleware import Shutdown

from fliptech_site.errors import Cancelled
from tasks import claiming
from tasks.broker import InProcessBroker, get_broker
from tasks.declaring import load_actors
from tasks.ledger import Ledger
from tasks.logs import AttemptLog
from tasks.models import Worker
from tasks.relaying import feed_in_process

logger = logging.getLogger(__name__)

#: Seconds that running tasks have to end by themselves after a request to stop.
GRACE_SECONDS = 20.0
#: Seconds that an interrupted task has to clear up.
INTERRUPT_SECONDS = 5.0
#: Seconds between two looks of the in-process feeder.
FEED_SECONDS = 0.2


class WorkerProcess:
    """Runs Dramatiq's worker under a row in `tasks_worker`."""

    def __init__(self, queues: Sequence[str], threads: int, max_tasks: int) -> None:
        load_actors()
        logging.getLogger().addHandler(AttemptLog())
        self._broker = get_broker()
        self._ledger = next(m for m in self._broker.middleware if isinstance(m, Ledger))
        self._max_tasks = max_tasks
        self._stop = threading.Event()
        self._worker = dramatiq.Worker(
            self._broker, queues=set(queues), worker_threads=threads
        )
        self._row = Worker.objects.create(
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=list(queues),
            threads=threads,
        )
        self._ledger.worker_id = self._row.pk

    def run(self, lifeline: int | None = None) -> None:
        """Work until a signal, the end of the lifeline, or `max_tasks` tasks.

        `lifeline` is the reading end of a pipe that the supervisor holds open: when it
        dies, however it dies, the pipe ends and this worker stops.
        """
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        if lifeline is not None:
            self._in_background(lambda: self._watch(lifeline))
        self._broker.emit_after("process_boot")
        self._worker.start()
        if isinstance(self._broker, InProcessBroker):
            self._in_background(self._feed)
        logger.info("Worker %s serves %s.", self._row, ", ".join(self._row.queues))
        self._keep_leases()
        self._shut_down()

    def _in_background(self, target: object) -> None:
        threading.Thread(target=target, daemon=True).start()  # type: ignore[arg-type]

    def _watch(self, lifeline: int) -> None:
        os.read(lifeline, 1)
        self._stop.set()

    # --- leases -----------------------------------------------------------------

    def _keep_leases(self) -> None:
        pause = min(settings.TASK_LEASE_SECONDS / 4, 2.0)
        while not self._stop.wait(pause):
            try:
                self._beat()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("No heartbeat: the database is away (%s).", error)
                close_old_connections()
            if self._ledger.finished_count >= self._max_tasks:
                logger.info("Worker %s is renewed after its tasks.", self._row)
                return

    def _beat(self) -> None:
        close_old_connections()
        running = self._ledger.running()
        held, to_cancel = claiming.extend(list(running.values()))
        for thread_id, claim in running.items():
            # It may have finished between the two looks: then nothing is stopped.
            if claim.task_id not in held or claim.task_id in to_cancel:
                self._ledger.interrupt(thread_id, claim, Cancelled)
        Worker.objects.filter(pk=self._row.pk).update(
            heartbeat_at=timezone.now(),
            memory_bytes=psutil.Process().memory_info().rss,
            tasks_done=self._ledger.finished_count,
        )

    # --- the in-process broker ----------------------------------------------------

    def _feed(self) -> None:
        broker = self._broker
        assert isinstance(broker, InProcessBroker)
        queues = set(self._row.queues)
        while not self._stop.wait(FEED_SECONDS):
            try:
                close_old_connections()
                room = self._worker.worker_threads * 2 - self._worker.work_queue.qsize()
                if room > 0:
                    feed_in_process(broker, queues, room)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("Nothing fed: the database is away (%s).", error)
                close_old_connections()

    # --- the end ------------------------------------------------------------------

    def _shut_down(self) -> None:
        """Let tasks end, interrupt those that don't, give back what remains."""
        self._ledger.is_stopping.set()
        interrupt = threading.Timer(GRACE_SECONDS, self._interrupt_running)
        interrupt.daemon = True
        interrupt.start()
        keeper = threading.Thread(target=self._beat_while_stopping, daemon=True)
        keeper.start()
        self._worker.stop(timeout=int((GRACE_SECONDS + INTERRUPT_SECONDS) * 1000))
        interrupt.cancel()
        for claim in self._ledger.running().values():
            claiming.give_back(claim)
        Worker.objects.filter(pk=self._row.pk).update(stopped_at=timezone.now())
        self._broker.close()
        logger.info("Worker %s has stopped.", self._row)

    def _interrupt_running(self) -> None:
        for thread_id, claim in self._ledger.running().items():
            self._ledger.interrupt(thread_id, claim, Shutdown)

    def _beat_while_stopping(self) -> None:
        while self._ledger.running():
            try:
                self._beat()
            except (DatabaseError, InterfaceError):
                close_old_connections()
            time.sleep(1)
