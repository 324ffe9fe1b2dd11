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
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from tasks.gating import Watch
from tasks.publishing import BrokerUnavailable, Delivery, Publisher

logger = logging.getLogger(__name__)

#: Seconds in which nothing is tried after RabbitMQ could not be reached.
PAUSE_SECONDS = 5.0
#: Deliveries that may wait in memory; more are left to the relay.
CAPACITY = 50_000
#: Seconds between two looks at the connections while there is nothing to do.
IDLE_SECONDS = 10.0
#: Seconds that a process which ends waits for its last deliveries.
FLUSH_SECONDS = 3.0

#: Seconds that confirmed messages may wait to be marked together: in a stream of single
#: tasks this makes a hundred commits one. Well below the relay's grace, and most tasks
#: are claimed before, so that no mark is needed at all.
MARK_SECONDS = 0.2
MARK_TOGETHER = 2000
#: In a stream of single tasks so many seconds are waited for more of them; publishing a
#: handful costs little more than one. The first after a pause goes out at once.
GATHER_SECONDS = 0.002

#: Rows that a worker is just claiming need no mark, so their locks are not waited for.
#: `state || ''`: see tasks.claiming.
_MARK = """
UPDATE tasks_task SET published_at = clock_timestamp()
WHERE id IN (
    SELECT id FROM tasks_task
    WHERE id = ANY(%s) AND state || '' = 'queued' AND published_at IS NULL
    FOR UPDATE SKIP LOCKED
)
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
        #: Deliveries; an event to be set when all before it is done; None for the end.
        self._waiting: queue.SimpleQueue[Delivery | threading.Event | None]
        self._waiting = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._paused_until = 0.0
        self._watch = Watch()

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
        if self._thread is not None and self._thread.is_alive():
            done = threading.Event()
            self._waiting.put(done)
            done.wait(seconds)

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
        publisher, marks = Publisher(), _Marks()
        published_at = 0.0
        while True:
            first = self._next(marks.pause())
            if isinstance(first, Delivery):
                if time.monotonic() - published_at < GATHER_SECONDS * 3:
                    time.sleep(GATHER_SECONDS)
                marks.add(self._publish(publisher, [first, *self._drain()]))
                published_at = time.monotonic()
            if not isinstance(first, Delivery) or marks.pause() <= 0:
                marks.write()
            if isinstance(first, threading.Event):
                first.set()
            elif first is _NOTHING:
                publisher.keep_alive()
                close_old_connections()
            elif first is None:
                break
        publisher.close()
        connection.close()

    def _next(self, seconds: float) -> Delivery | threading.Event | object | None:
        try:
            return self._waiting.get(timeout=max(seconds, 0))
        except queue.Empty:
            return _NOTHING

    def _drain(self) -> list[Delivery]:
        more: list[Delivery] = []
        while len(more) < MARK_TOGETHER:
            try:
                delivery = self._waiting.get_nowait()
            except queue.Empty:
                break
            if not isinstance(delivery, Delivery):
                # It asks about what came before it, which is in hand now.
                self._waiting.put(delivery)
                break
            more.append(delivery)
        return more

    def _publish(self, publisher: Publisher, batch: list[Delivery]) -> list[UUID]:
        try:
            # What is published in between is refused at the claim.
            shut = self._watch.shut()
            return publisher.publish(
                d for d in batch if not shut.concerns(d.queue, d.actor)
            )
        except BrokerUnavailable as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("%s The relay will publish when it is back.", error)
        except Exception:
            # This thread must outlive whatever happens to one batch; the relay has it.
            logger.exception("A batch could not be handed over; the relay will do it.")
        return []


#: Nothing came in time.
_NOTHING = object()


class _Marks:
    """What RabbitMQ has confirmed and the rows do not say yet."""

    def __init__(self) -> None:
        self._task_ids: list[UUID] = []
        self._since = 0.0

    def add(self, task_ids: Sequence[UUID]) -> None:
        """Remember confirmed tasks."""
        if not self._task_ids:
            self._since = time.monotonic()
        self._task_ids += task_ids

    def pause(self) -> float:
        """Return the seconds until they have to be written; nothing may wait long."""
        if not self._task_ids:
            return IDLE_SECONDS
        if len(self._task_ids) >= MARK_TOGETHER:
            return 0.0
        return self._since + MARK_SECONDS - time.monotonic()

    def write(self) -> None:
        """Mark them; where that fails they stay owed."""
        task_ids, self._task_ids = self._task_ids, []
        try:
            close_old_connections()
            mark_published(task_ids)
        except (DatabaseError, InterfaceError):
            # The relay publishes them once more: harmless, since only one of the two
            # messages can claim the task.
            logger.warning("Published tasks could not be marked.", exc_info=True)
            connection.close()


handover = Handover()
atexit.register(handover.flush)
