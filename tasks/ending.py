"""Commit how runs ended, in groups, while the threads that ran them go on.

A thread that waited for its run's end to be committed would be idle for a round trip and
a flush of the log. Here it hands the end over and takes the next message; the claim is
kept, and its lease extended, until the end is committed. A process that dies in between
leaves a running task whose lease runs out, as one that dies a moment earlier does: the
promise is the same, an effect that must not come twice is fenced with `complete`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
)

from tasks import recording
from tasks.current import Claim
from tasks.following import follower
from tasks.recording import Ending

logger = logging.getLogger(__name__)

#: Endings in one statement.
LIMIT = 256
#: In a stream of ends so many seconds are waited for more of them; the first after a
#: pause is written at once.
GATHER_SECONDS = 0.002
#: Seconds between two tries to reach a database that is away.
DATABASE_PAUSE_SECONDS = 1.0
#: Seconds after which an end is given up; the lease then runs out and rescue decides.
GIVE_UP_SECONDS = 60.0
#: Seconds after which an idle connection is looked at before it is used again.
CHECK_SECONDS = 1.0


@dataclass(slots=True)
class _Waiting:
    held: Claim
    ending: Ending
    since: float = field(default_factory=time.monotonic)


class Endings:
    """A thread that writes the ends of this process's runs."""

    def __init__(self, forget: Callable[[Sequence[Claim]], None]) -> None:
        """`forget` is told of claims whose end is committed, or was given up."""
        self._forget = forget
        self._waiting: queue.SimpleQueue[_Waiting | threading.Event]
        self._waiting = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wrote_at = 0.0
        self._checked_at = 0.0

    def put(self, held: Claim, ending: Ending) -> None:
        """Take over an end; never blocks."""
        if self._thread is None:
            self._start()
        self._waiting.put(_Waiting(held, ending))

    def flush(self, seconds: float) -> bool:
        """Wait until all that was taken over is committed; False if it took too long."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._waiting.put(done)
        return done.wait(seconds)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="endings", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if isinstance(first, threading.Event):
                first.set()
                continue
            if time.monotonic() - self._wrote_at < GATHER_SECONDS * 3:
                time.sleep(GATHER_SECONDS)
            group, asked = self._gather(first)
            try:
                self._write(group)
            except Exception:
                # This thread must outlive whatever happens to one group.
                logger.exception("The ends of %d runs got lost.", len(group))
            self._forget([one.held for one in group])
            self._wrote_at = time.monotonic()
            if asked is not None:
                asked.set()

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], threading.Event | None]:
        """Return what waits, up to somebody who asks for what came before it."""
        group = [first]
        while len(group) < LIMIT:
            try:
                one = self._waiting.get_nowait()
            except queue.Empty:
                break
            if isinstance(one, threading.Event):
                return group, one
            group.append(one)
        return group, None

    def _write(self, group: Sequence[_Waiting]) -> None:
        """Write a group; a database that is away is waited for."""
        while group:
            try:
                self._check_connection()
                written = recording.end_together([one.ending for one in group])
            except (InterfaceError, OperationalError) as error:
                logger.warning("%d ends wait for the database: %s", len(group), error)
                connection.close()
                time.sleep(DATABASE_PAUSE_SECONDS)
                group = _not_given_up(group)
            except DatabaseError as error:
                self._write_singly(group, error)
                return
            else:
                _report(group, written)
                return

    def _write_singly(self, group: Sequence[_Waiting], error: DatabaseError) -> None:
        """Find the one that PostgreSQL refuses, and let it fail with the reason."""
        if len(group) > 1:
            for one in group:
                self._write([one])
            return
        one = group[0]
        if one.ending.is_refusal:
            logger.error("Task %s could not be ended: %s", one.held.task_id, error)
            return
        one.ending = recording.refusal(one.held, str(error))
        self._write([one])

    def _check_connection(self) -> None:
        now = time.monotonic()
        if now - self._checked_at > CHECK_SECONDS:
            close_old_connections()
        self._checked_at = now


def _not_given_up(group: Sequence[_Waiting]) -> list[_Waiting]:
    limit = time.monotonic() - GIVE_UP_SECONDS
    for one in group:
        if one.since < limit:
            logger.error(
                "The end of task %s is given up; its lease runs out and it is rescued.",
                one.held.task_id,
            )
    return [one for one in group if one.since >= limit]


def _report(group: Sequence[_Waiting], written: Sequence[bool]) -> None:
    for one, is_written in zip(group, written, strict=True):
        if not is_written:
            # Its own body may have finished it, with `complete`.
            logger.info(
                "Task %s, attempt %d, had been finished or taken over already.",
                one.held.task_id,
                one.held.attempt,
            )
    if any(one.held.is_followed for one in group):
        follower.wake()
