"""What follows the end of a task: workflows go on, webhooks are told.

A trigger writes a row of `End` in the very transaction in which a followed task ends, by
whatever statement: a run, a cancellation, a rescue. Followers read the row and leave
their effects in the transaction that deletes it, so each end is followed once, whatever
dies. Workers do it right after they ended something, the leading scheduler does what
they left. Many ends share a transaction, since thousands may come at once; where a
follower fails, each is followed alone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import (
    OperationalError,
    close_old_connections,
    connection,
    models,
    transaction,
)
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from tasks.states import State

logger = logging.getLogger(__name__)

#: Seconds after which an end that could not be followed is tried again; doubled each time.
AGAIN_SECONDS = 5.0
AGAIN_AT_MOST_SECONDS = 900.0
#: Seconds without ends after which a worker's connection for them is closed.
IDLE_SECONDS = 30.0
#: Ends that are followed in one transaction.
BATCH = 100

_TAKE = """
DELETE FROM tasks_end WHERE id = ANY(ARRAY(
    SELECT id FROM tasks_end WHERE due_at <= clock_timestamp()
    ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
))
RETURNING id, task_id, state, tries
"""

_PUT_OFF = """
UPDATE tasks_end SET tries = tries + 1, due_at = clock_timestamp() + make_interval(secs => %s)
WHERE id = %s
"""


class End(models.Model):
    """The end of a followed task, until everything that follows has been done."""

    task_id = models.UUIDField()
    #: The final state in which the task arrived.
    state = models.CharField(max_length=10, choices=State.choices)
    due_at = models.DateTimeField(db_default=Now())
    tries = models.SmallIntegerField(default=0, db_default=0)

    class Meta:
        indexes = [models.Index(fields=["due_at", "id"], name="tasks_end_due_idx")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.state}"


Together = TypeVar("Together", bound=Callable[[Sequence[tuple[UUID, State]]], None])


def together(follower: Together) -> Together:
    """Mark a follower as one that takes many ends at once, as pairs of id and state."""
    setattr(follower, "is_told_together", True)  # noqa: B010 - a function's attribute
    return follower


class _Unfollowed(Exception):
    """Carries ends that a follower failed on out of their transaction, as (id, tries)."""

    def __init__(self, ends: Sequence[tuple[int, int]]) -> None:
        self.ends = ends


def follow_ends(limit: int = 100) -> int:
    """Do what follows the ends that are due, at most `limit`; return how many.

    A follower that fails undoes this end's effects; the end is tried again later and
    holds up no other. Raises OperationalError when the database is away.
    """
    done = 0
    while done < limit:
        count = min(BATCH, limit - done)
        followed = _follow_or_put_off(count)
        done += followed
        if followed < count:
            break
    return done


def _follow_or_put_off(count: int) -> int:
    try:
        return _follow(count)
    except _Unfollowed as unfollowed:
        if len(unfollowed.ends) > 1:
            # One of them is at fault; alone, each goes its own way.
            return sum(_follow_or_put_off(1) for _ in unfollowed.ends)
        end_id, tries = unfollowed.ends[0]
        delay = min(AGAIN_SECONDS * 2.0**tries, AGAIN_AT_MOST_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute(_PUT_OFF, [delay, end_id])
        return 1


def _follow(count: int) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [count])
            rows = sorted(cursor.fetchall())
        ends = [(task_id, State(state)) for _, task_id, state, _ in rows]
        try:
            with transaction.atomic():
                _tell_followers(ends)
        except OperationalError:
            raise
        except Exception as error:
            if len(rows) == 1:
                logger.exception(
                    "What follows task %s failed; tried again.", ends[0][0]
                )
            raise _Unfollowed([(row[0], row[3]) for row in rows]) from error
    return len(rows)


def _tell_followers(ends: Sequence[tuple[UUID, State]]) -> None:
    if not ends:
        return
    for path in settings.TASK_FOLLOWERS:
        tell = import_string(path)
        if getattr(tell, "is_told_together", False):
            tell(ends)
            continue
        for task_id, state in ends:
            tell(task_id, state)


class Follower:
    """A thread of a worker that follows ends as soon as they are committed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Look for ends soon; never blocks. What fails here is left to the scheduler."""
        self._woken.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="follower", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        while True:
            if not self._woken.wait(IDLE_SECONDS):
                connection.close()
                self._woken.wait()
            self._woken.clear()
            try:
                close_old_connections()
                while follow_ends():
                    pass
            except Exception as error:  # noqa: BLE001 - this thread must outlive it
                # The database may be away; the leading scheduler follows all the same.
                logger.warning("Ends wait for the scheduler to follow them: %s", error)
                connection.close()


follower = Follower()
