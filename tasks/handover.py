"""Hand committed tasks to RabbitMQ: at once where possible, by the relay otherwise.

Correctness rests on the relay alone: it publishes whatever is queued and not confirmed.
The thread here only saves the time until the relay's next look; if RabbitMQ is down, or
the process dies, what it held is still owed in the database.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from tasks.publishing import BrokerUnavailable, Delivery, Publisher

logger = logging.getLogger(__name__)

#: Seconds in which nothing is tried after RabbitMQ could not be reached.
PAUSE_SECONDS = 5.0
#: Deliveries that may wait in memory; more are left to the relay.
CAPACITY = 50_000
#: Seconds that a process which ends waits for its last deliveries.
FLUSH_SECONDS = 3.0

_MARK = """
UPDATE tasks_task SET published_at = clock_timestamp()
WHERE id = ANY(%s) AND state = 'queued' AND published_at IS NULL
"""


def mark_published(task_ids: Sequence[UUID]) -> None:
    """Record that RabbitMQ has confirmed these tasks.

    Those that a worker has claimed meanwhile are left as they are.
    """
    if not task_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [list(task_ids)])


class Handover:
    """A background thread that publishes what this process has just committed."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._is_busy = False
        self._paused_until = 0.0

    def offer(self, deliveries: Sequence[Delivery]) -> None:
        """Take over deliveries; never blocks, never raises, may leave them to the relay."""
        if not settings.RABBITMQ_URL or time.monotonic() < self._paused_until:
            return
        self._ensure_thread()
        if self._waiting.qsize() + len(deliveries) > CAPACITY:
            return
        for delivery in deliveries:
            self._waiting.put(delivery)

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until everything taken over is published or given up, at most so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            is_alive = self._thread is not None and self._thread.is_alive()
            if not is_alive or (self._waiting.empty() and not self._is_busy):
                return
            time.sleep(0.005)

    def stop(self) -> None:
        """Publish what is left, end the thread and close its connections."""
        self.flush()
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            self._waiting.put(None)
            thread.join(timeout=FLUSH_SECONDS)

    def _ensure_thread(self) -> None:
        # After a fork only the forking thread lives on: start another.
        if self._thread is not None and self._pid == os.getpid():
            return
        with self._lock:
            if self._thread is not None and self._pid == os.getpid():
                return
            self._pid = os.getpid()
            self._waiting = queue.SimpleQueue()
            self._thread = threading.Thread(
                target=self._run, name="handover", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        publisher = Publisher()
        while True:
            try:
                first = self._waiting.get(timeout=10)
            except queue.Empty:
                publisher.keep_alive()
                close_old_connections()
                continue
            if first is None:
                break
            self._is_busy = True
            try:
                self._hand_over(publisher, [first, *self._drain()])
            finally:
                self._is_busy = False
        publisher.close()
        connection.close()

    def _drain(self) -> list[Delivery]:
        more: list[Delivery] = []
        while len(more) < 2000:
            try:
                delivery = self._waiting.get_nowait()
            except queue.Empty:
                break
            if delivery is None:
                # The end was asked for; it comes after what is in hand.
                self._waiting.put(None)
                break
            more.append(delivery)
        return more

    def _hand_over(self, publisher: Publisher, batch: list[Delivery]) -> None:
        try:
            close_old_connections()
            mark_published(publisher.publish(batch))
        except BrokerUnavailable as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("%s The relay will publish when it is back.", error)
        except DatabaseError:
            # The rows stay "owed", so the relay publishes them once more: harmless,
            # since only one of the two messages can claim the task.
            logger.warning("Published tasks could not be marked.", exc_info=True)
        except Exception:
            # This thread must outlive whatever happens to one batch; the relay has it.
            logger.exception("A batch could not be handed over; the relay will do it.")


handover = Handover()
atexit.register(handover.flush)
