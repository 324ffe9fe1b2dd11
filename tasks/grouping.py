"""Group commit: threads that claim at the same time share a statement.

A claim costs PostgreSQL a parse, a plan, a trigger and a flush of its log; shared, they
cost a fraction of it. Nobody waits for a group to fill: whatever came while the last
statement was on its way makes the next one, so that a lone claim is not delayed. Each
caller goes on only when its own rows are committed.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
)

logger = logging.getLogger(__name__)

Request = TypeVar("Request")
Answer = TypeVar("Answer")

#: Requests in one statement.
LIMIT = 64
#: Seconds after which an idle connection is looked at before it is used again.
CHECK_SECONDS = 1.0


class Group(Generic[Request, Answer]):
    """One kind of statement, performed for many threads by a thread of its own."""

    def __init__(
        self, perform: Callable[[Sequence[Request]], Sequence[Answer]], name: str
    ) -> None:
        """`perform` answers requests in one transaction, in their order."""
        self._perform = perform
        self._name = name
        self._waiting: queue.SimpleQueue[tuple[Request, Future[Answer]]]
        self._lock = threading.Lock()
        self._pid = 0
        self._checked_at = 0.0

    def ask(self, request: Request) -> Answer:
        """Return the answer once it is committed; raises what the database raised."""
        if self._pid != os.getpid():
            self._start()
        future: Future[Answer] = Future()
        self._waiting.put((request, future))
        return future.result()

    def _start(self) -> None:
        # After a fork only the forking thread lives on: start another.
        with self._lock:
            if self._pid == os.getpid():
                return
            self._waiting = queue.SimpleQueue()
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
            self._pid = os.getpid()

    def _run(self) -> None:
        while True:
            group = [self._waiting.get()]
            while len(group) < LIMIT and not self._waiting.empty():
                group.append(self._waiting.get())
            self._answer(group)

    def _answer(self, group: Sequence[tuple[Request, Future[Answer]]]) -> None:
        try:
            self._check_connection()
            answers = self._perform([request for request, _ in group])
        except (InterfaceError, OperationalError) as error:
            # The server is away, for all of them: each caller decides how to wait.
            connection.close()
            for _, future in group:
                future.set_exception(error)
        except DatabaseError as error:
            # One of them is at fault; alone, each gets its own answer.
            if len(group) == 1:
                group[0][1].set_exception(error)
                return
            for one in group:
                self._answer([one])
        except Exception as error:
            # This thread must outlive whatever happens to one group.
            logger.exception("A group of %s failed.", self._name)
            for _, future in group:
                future.set_exception(error)
        else:
            for (_, future), answer in zip(group, answers, strict=True):
                future.set_result(answer)

    def _check_connection(self) -> None:
        now = time.monotonic()
        if now - self._checked_at > CHECK_SECONDS:
            close_old_connections()
        self._checked_at = now
