"""Wait for what another process commits, by LISTEN/NOTIFY and a look at the row.

A notification only says "look now"; what is true stands in a row. A waiter listens
first, then looks, then waits, so that nothing that is committed in between is missed.
Where notifications can't come through (the connection broke, a pooler in between) the
same look, repeated slowly, finds the row all the same.

One connection per process listens, on one channel, and only while somebody waits.
Writers notify only when a row says that somebody waits for it: a NOTIFY takes a lock
that all committing notifiers share.
"""

from __future__ import annotations

import hashlib
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from django.db import connection
from django.db.utils import Error as DjangoDatabaseError

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: The one channel; the payload says for whom the notification is.
CHANNEL = "tasks_wake"
#: Seconds between two looks while notifications can be trusted: a second pair of eyes.
LOOK_SECONDS = 1.0
#: Seconds between two looks, at first and at last, while they can't.
BLIND_FIRST_SECONDS, BLIND_LAST_SECONDS = 0.01, 0.25
#: Seconds that a waiter gives the connection to come up before it looks by itself.
READY_SECONDS = 2.0
#: Seconds without waiters after which the connection is closed.
IDLE_SECONDS = 10.0
#: Seconds between two tries to connect.
RECONNECT_SECONDS = 1.0


def topic(kind: str, key: str) -> str:
    """Return the payload for a key of any length (NOTIFY takes 8,000 bytes)."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    return f"{kind}:{digest}"


class Listener:
    """The connection of this process that listens, and who waits for what."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[threading.Event, frozenset[str]] = {}
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._is_ready = threading.Event()
        self._is_stopping = False
        self._left_at = 0.0
        #: Bytes sent into the first wake the thread, which reads the second.
        self._bell: tuple[socket.socket, socket.socket] | None = None

    @property
    def is_listening(self) -> bool:
        """Whether notifications arrive now."""
        return self._is_ready.is_set()

    @contextmanager
    def waiting(self, payloads: Sequence[str]) -> Iterator[threading.Event]:
        """Give an event that is set whenever one of `payloads` was notified."""
        event = threading.Event()
        with self._lock:
            self._ensure_thread()
            self._waiting[event] = frozenset(payloads)
        self._is_ready.wait(READY_SECONDS)
        try:
            yield event
        finally:
            with self._lock:
                self._waiting.pop(event, None)
                self._left_at = time.monotonic()

    def stop(self) -> None:
        """Close the connection and end the thread; the next waiter starts both again."""
        with self._lock:
            thread = self._thread
            if thread is None or self._bell is None or self._pid != os.getpid():
                return
            self._is_stopping = True
            self._bell[0].send(b"x")
        thread.join(timeout=RECONNECT_SECONDS + READY_SECONDS)

    def _ensure_thread(self) -> None:
        # After a fork only the forking thread lives on, and the waiters are the parent's.
        if self._pid != os.getpid():
            self._pid, self._waiting, self._thread = os.getpid(), {}, None
            self._is_ready = threading.Event()
        if self._thread is None:
            self._is_stopping = False
            self._bell = socket.socketpair()
            self._thread = threading.Thread(
                target=self._run, name="listener", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._listen()
            except (psycopg.Error, DjangoDatabaseError, OSError) as error:
                logger.info("Not listening for a moment: %s", error)
            except Exception:
                # Waiters look by themselves meanwhile; this thread must outlive it.
                logger.exception("Listening failed.")
            self._is_ready.clear()
            with self._lock:
                if self._is_stopping or self._is_idle():
                    self._thread = None
                    for end in self._bell or ():
                        end.close()
                    return
            time.sleep(RECONNECT_SECONDS)

    def _listen(self) -> None:
        """Listen until nobody has waited for a while; raises when the connection breaks."""
        with psycopg.connect(
            **_connection_parameters(), autocommit=True, application_name="listener"
        ) as listening:
            listening.execute(f"LISTEN {CHANNEL}")
            # Something may have been notified while nobody listened.
            self._wake(None)
            self._is_ready.set()
            assert self._bell is not None
            ears = [listening.fileno(), self._bell[1].fileno()]
            while not self._is_stopping:
                readable, _, _ = select.select(ears, [], [], IDLE_SECONDS / 2)
                if listening.fileno() in readable:
                    self._deliver(listening)
                with self._lock:
                    if self._is_idle():
                        return

    def _deliver(self, listening: psycopg.Connection[Any]) -> None:
        server = listening.pgconn
        server.consume_input()
        while notification := server.notifies():
            self._wake(notification.extra.decode())

    def _wake(self, payload: str | None) -> None:
        """Wake those who wait for `payload`; all of them when it is None."""
        with self._lock:
            for event, payloads in self._waiting.items():
                if payload is None or payload in payloads:
                    event.set()

    def _is_idle(self) -> bool:
        return not self._waiting and time.monotonic() - self._left_at > IDLE_SECONDS


def _connection_parameters() -> dict[str, Any]:
    """Return what libpq needs, without what is Django's own."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return parameters


listener = Listener()


def wait_for(
    payloads: Sequence[str],
    look: Callable[[], T | None],
    seconds: float | None,
    mark: Callable[[], bool] = lambda: True,
) -> T | None:
    """Return what `look` finds, as soon as it finds something; None after `seconds`.

    `mark` is called before each look after the first; it tells the row that somebody
    waits and returns whether a notification of one of `payloads` can be relied on.
    `seconds` of None waits without an end. In a transaction only READ COMMITTED,
    PostgreSQL's default, shows what others commit.
    """
    found = look()
    deadline = None if seconds is None else time.monotonic() + seconds
    if found is not None or (seconds is not None and seconds <= 0):
        return found
    blind_pause = BLIND_FIRST_SECONDS
    with listener.waiting(payloads) as woken:
        while True:
            woken.clear()
            is_marked = mark()
            found = look()
            left = None if deadline is None else deadline - time.monotonic()
            if found is not None or (left is not None and left <= 0):
                return found
            if is_marked and listener.is_listening:
                pause = LOOK_SECONDS
            else:
                pause = blind_pause
                blind_pause = min(blind_pause * 1.5, BLIND_LAST_SECONDS)
            woken.wait(pause if left is None else min(pause, left))
