"""What follows the end of a task: workflows go on, webhooks are told.

A trigger writes a row of `End` in the very transaction in which a followed task ends, by
whatever statement: a run, a cancellation, a rescue. Followers read the row and leave
their effects in the transaction that deletes it, so each end is followed once, whatever
dies. Workers do it right after they ended something, the leading scheduler does what
they left.
"""

from __future__ import annotations

import logging
import threading
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

_TAKE = """
DELETE FROM tasks_end WHERE id = (
    SELECT id FROM tasks_end WHERE due_at <= clock_timestamp()
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
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


class _Unfollowed(Exception):
    """Carries the end whose follower failed out of its transaction."""

    def __init__(self, end_id: int, tries: int) -> None:
        self.end_id = end_id
        self.tries = tries


def follow_ends(limit: int = 100) -> int:
    """Do what follows the ends that are due, at most `limit`; return how many.

    A follower that fails undoes this end's effects; the end is tried again later and
    holds up no other. Raises OperationalError when the database is away.
    """
    done = 0
    while done < limit:
        try:
            if not _follow_one():
                break
        except _Unfollowed as unfollowed:
            delay = min(AGAIN_SECONDS * 2.0**unfollowed.tries, AGAIN_AT_MOST_SECONDS)
            with connection.cursor() as cursor:
                cursor.execute(_PUT_OFF, [delay, unfollowed.end_id])
        done += 1
    return done


def _follow_one() -> bool:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE)
            row = cursor.fetchone()
        if row is None:
            return False
        end_id, task_id, state, tries = row
        try:
            with transaction.atomic():
                _tell_followers(task_id, State(state))
        except OperationalError:
            raise
        except Exception as error:
            logger.exception("What follows task %s failed; tried again.", task_id)
            raise _Unfollowed(end_id, tries) from error
    return True


def _tell_followers(task_id: UUID, state: State) -> None:
    for path in settings.TASK_FOLLOWERS:
        import_string(path)(task_id, state)


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
