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
from tasks import claiming, keeping
from tasks.broker import InProcessBroker, get_broker
from tasks.cancelling import ask_to_stop
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
#: Seconds that a worker which stops waits for the ends of its last runs to be committed.
FLUSH_SECONDS = 10.0
#: Seconds that a quiet worker waits for its last tasks; above every time limit.
QUIET_SECONDS = 24 * 3600
#: Megabytes at which a process is renewed.
DEFAULT_MEMORY_MB = 400
#: Seconds between two looks of the in-process feeder.
FEED_SECONDS = 0.2


def keep_log() -> None:
    """Keep the log lines of this process's runs beside their attempts."""
    logging.getLogger().addHandler(AttemptLog())


class Heart:
    """A worker's row: beats, keeps its leases, and brings what people ask of it."""

    def __init__(self, ledger: Ledger, queues: Sequence[str], threads: int) -> None:
        self._ledger = ledger
        self.pause = min(settings.TASK_LEASE_SECONDS / 4, 2.0)
        self.row = Worker.objects.create(
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=list(queues),
            threads=threads,
        )
        ledger.worker_id = self.row.pk

    def beat(self) -> int:
        """Extend the leases, interrupt what lost its own; return the memory in bytes."""
        close_old_connections()
        holding = self._ledger.holding
        kept = holding.everything()
        held, to_cancel = keeping.extend(kept)
        to_stop = {one.task_id for one in kept} - held | to_cancel
        for thread_id, claim in holding.running().items():
            # It may have finished between the two looks: then nothing is stopped.
            if claim.task_id in to_stop and ask_to_stop(
                claim, is_polite=claim.task_id in held
            ):
                holding.interrupt(thread_id, claim, Cancelled)
        for claim in holding.drop_ahead(only=to_stop):
            if claim.task_id in to_cancel:
                claiming.cancel_running(claim)
        memory: int = psutil.Process().memory_info().rss
        rows = Worker.objects.filter(pk=self.row.pk)
        rows.update(
            heartbeat_at=timezone.now(),
            memory_bytes=memory,
            tasks_done=self._ledger.holding.finished_count,
        )
        self.row.requested = rows.values_list("requested", flat=True).first() or ""
        return memory

    def try_to_beat(self) -> int:
        """Beat; return 0 when the database is away."""
        try:
            return self.beat()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("No heartbeat: the database is away (%s).", error)
            close_old_connections()
            return 0

    def stop(self) -> None:
        """Give back what did not end, and close the row."""
        self._ledger.flush(FLUSH_SECONDS)
        self._ledger.give_back(self._ledger.holding.everything())
        Worker.objects.filter(pk=self.row.pk).update(stopped_at=timezone.now())


class WorkerProcess:
    """Runs Dramatiq's worker under a row in `tasks_worker`."""

    def __init__(
        self,
        queues: Sequence[str],
        threads: int,
        max_tasks: int,
        max_memory_mb: int = DEFAULT_MEMORY_MB,
    ) -> None:
        load_actors()
        keep_log()
        self._broker = get_broker()
        self._ledger = next(m for m in self._broker.middleware if isinstance(m, Ledger))
        self._max_tasks = max_tasks
        self._max_memory = max_memory_mb * 1_048_576
        self._stop = threading.Event()
        self._closing: threading.Thread | None = None
        self._worker = dramatiq.Worker(
            self._broker, queues=set(queues), worker_threads=threads
        )
        self._heart = Heart(self._ledger, queues, threads)
        self._row = self._heart.row

    def run(self, lifeline: int | None = None) -> None:
        """Work until a signal, the end of the lifeline, a ceiling or a person's request.

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

    def _in_background(self, target: object) -> threading.Thread:
        thread = threading.Thread(target=target, daemon=True)  # type: ignore[arg-type]
        thread.start()
        return thread

    def _watch(self, lifeline: int) -> None:
        os.read(lifeline, 1)
        self._stop.set()

    # --- leases -----------------------------------------------------------------

    def _keep_leases(self) -> None:
        while not self._stop.wait(self._heart.pause):
            memory = self._heart.try_to_beat()
            requested = self._row.requested
            if requested == Worker.Request.STOP:
                logger.info("Worker %s was asked to stop.", self._row)
                return
            if requested == Worker.Request.QUIET and self._closing is None:
                logger.info("Worker %s takes no more work.", self._row)
                self._take_no_more()
            if self._closing is not None:
                # A renewed process would take work again.
                continue
            if self._ledger.holding.finished_count >= self._max_tasks:
                logger.info("Worker %s is renewed after its tasks.", self._row)
                return
            if memory > self._max_memory:
                logger.warning(
                    "Worker %s is renewed: it has grown to %d MB.",
                    self._row,
                    memory // 1_048_576,
                )
                return

    # --- the in-process broker ----------------------------------------------------

    def _feed(self) -> None:
        broker = self._broker
        assert isinstance(broker, InProcessBroker)
        queues = set(self._row.queues)
        while not self._stop.wait(FEED_SECONDS) and self._closing is None:
            try:
                close_old_connections()
                room = self._worker.worker_threads * 2 - self._worker.work_queue.qsize()
                if room > 0:
                    feed_in_process(broker, queues, room)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("Nothing fed: the database is away (%s).", error)
                close_old_connections()

    # --- the end ------------------------------------------------------------------

    def _take_no_more(self) -> None:
        """Let what runs end, however long, and give back what only waits here."""
        self._ledger.is_stopping.set()
        self._closing = self._in_background(
            lambda: self._worker.stop(timeout=QUIET_SECONDS * 1000)
        )

    def _shut_down(self) -> None:
        """Let tasks end, interrupt those that don't, give back what remains."""
        if self._closing is None:
            self._take_no_more()
        assert self._closing is not None
        interrupt_at = time.monotonic() + GRACE_SECONDS
        deadline = interrupt_at + INTERRUPT_SECONDS
        while self._closing.is_alive() and time.monotonic() < deadline:
            self._closing.join(timeout=1.0)
            if self._closing.is_alive():
                self._heart.try_to_beat()
            if time.monotonic() >= interrupt_at:
                self._interrupt_running()
                interrupt_at = deadline
        self._heart.stop()
        self._broker.close()
        logger.info("Worker %s has stopped.", self._row)

    def _interrupt_running(self) -> None:
        for thread_id, claim in self._ledger.holding.running().items():
            self._ledger.holding.interrupt(thread_id, claim, Shutdown)
