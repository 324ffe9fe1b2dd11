"""The Dramatiq middleware that makes every run a claim in the ledger.

Dramatiq swallows ordinary exceptions of its hooks and then runs the actor all the same,
so the guard here may only ever return after a claim or raise SkipMessage.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import traceback
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import dramatiq
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db.models import Max, Min
from django.utils import timezone
from dramatiq.middleware import Shutdown, SkipMessage
from dramatiq.middleware.threading import Interrupt, raise_thread_exception

from fliptech_site.errors import Cancelled, PermanentError
from tasks import claiming
from tasks.current import Claim, current_claim, set_current_claim
from tasks.declaring import policy_of
from tasks.gating import Watch
from tasks.grouping import Group
from tasks.models import Attempt
from tasks.policies import Verdict, decide

if TYPE_CHECKING:
    from dramatiq import Broker, MessageProxy

logger = logging.getLogger(__name__)

#: Seconds between two tries to reach a database that is away.
DATABASE_PAUSE_SECONDS = 1.0
#: Seconds after which a finish is given up; the lease then runs out and rescue decides.
FINISH_SECONDS = 60.0


class Ledger(dramatiq.Middleware):
    """Claim before the actor runs, finish after it, and keep the claims that run."""

    def __init__(self) -> None:
        self.worker_id: int | None = None
        self.is_stopping = threading.Event()
        self.finished_count = 0
        self._lock = threading.Lock()
        self._running: dict[int, Claim] = {}
        #: Threads whose body has ended: nothing may strike the finish.
        self._ending: set[int] = set()
        #: Only the thread that claims looks at it.
        self._watch = Watch()
        self._claims = Group(self._claim_together, "claims")
        self._endings = Group(claiming.end_together, "endings")

    @property
    def actor_options(self) -> set[str]:
        """Options that `tasks.declaring.actor` sets."""
        return {"policy", "periodic"}

    def running(self) -> dict[int, Claim]:
        """Return the claims that run now, by thread id."""
        with self._lock:
            return dict(self._running)

    def interrupt(
        self, thread_id: int, held: Claim, error: type[BaseException]
    ) -> bool:
        """Raise `error` in the thread while the body of this very claim runs in it."""
        with self._lock:
            if self._running.get(thread_id) is not held or thread_id in self._ending:
                return False
            raise_thread_exception(thread_id, error)
            return True

    # --- hooks ----------------------------------------------------------------

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Claim the task and put its arguments into the message."""
        held = self._claim(message)
        if held is None:
            raise SkipMessage("not there to be claimed")
        message._message = message._message.copy(
            args=tuple(held.args), kwargs=held.kwargs, options=held.options
        )
        with self._lock:
            self._running[threading.get_ident()] = held
        set_current_claim(held)

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Record what came of the run; the message itself is always acknowledged."""
        held = current_claim()
        if held is None:
            return
        try:
            self._protect()
            self._finish(broker, held, result, exception)
        finally:
            self._forget()

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """An actor may raise SkipMessage itself: then nothing was to be done."""
        held = current_claim()
        if held is not None:
            try:
                self._protect()
                self._finish(broker, held, None, None)
            finally:
                self._forget()

    # --- claim ----------------------------------------------------------------

    def _claim(self, message: MessageProxy) -> Claim | None:
        try:
            task_id = UUID(message.message_id)
        except ValueError:
            logger.error("A message without a task id was dropped: %s", message)
            return None
        while not self.is_stopping.is_set():
            try:
                # The claim goes another way; this is for the actor's own queries.
                close_old_connections()
                return self._claims.ask(task_id)
            except (DatabaseError, InterfaceError) as error:
                # Waiting here holds the thread: without the ledger nothing may run.
                logger.warning("The database is away (%s); waiting.", error)
                close_old_connections()
                time.sleep(DATABASE_PAUSE_SECONDS)
        # Our consumer reads this attribute; Dramatiq's proxy has no field for it.
        setattr(message, "give_back", True)  # noqa: B010
        return None

    def _claim_together(self, task_ids: Sequence[UUID]) -> list[Claim | None]:
        return claiming.claim_together(
            task_ids, self.worker_id, are_queues_open=not self._watch.shut()
        )

    def _forget(self) -> None:
        set_current_claim(None)
        with self._lock:
            self._running.pop(threading.get_ident(), None)
            self._ending.discard(threading.get_ident())
            self.finished_count += 1

    def _protect(self) -> None:
        """Let no interrupt strike from here on; one that came too late is dropped.

        The body is done: to lose the finish now would run it again.
        """
        thread_id = threading.get_ident()
        while thread_id not in self._ending:
            try:
                with self._lock:
                    self._ending.add(thread_id)
                # An interrupt sent before that is delivered no later than here.
                time.sleep(0)
            except (Interrupt, Cancelled) as late:
                logger.info("%s came after the end of the run.", type(late).__name__)

    # --- finish -----------------------------------------------------------------

    def _finish(
        self,
        broker: Broker,
        held: Claim,
        result: Any,
        exception: BaseException | None,
    ) -> None:
        deadline = time.monotonic() + FINISH_SECONDS
        while True:
            try:
                if not self._record(broker, held, result, exception):
                    # Its own body may have finished it, with `complete`.
                    logger.info(
                        "Task %s, attempt %d, had been finished or taken over already.",
                        held.task_id,
                        held.attempt,
                    )
                return
            except (DatabaseError, InterfaceError):
                if time.monotonic() > deadline:
                    logger.exception("Task %s could not be finished.", held.task_id)
                    return
                close_old_connections()
                time.sleep(DATABASE_PAUSE_SECONDS)

    def _succeed(self, held: Claim, result: Any) -> bool:
        """Record success; raises PermanentError when the task has failed after all."""
        try:
            json.dumps(result, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise PermanentError(
                f"{held.actor} returned something that JSON can't hold: {error}."
            ) from error
        return claiming.succeed(held, result, end=self._endings.ask)

    def _record(
        self,
        broker: Broker,
        held: Claim,
        result: Any,
        exception: BaseException | None,
    ) -> bool:
        end = self._endings.ask
        if exception is None:
            try:
                return self._succeed(held, result)
            except PermanentError as error:
                exception = error
        if isinstance(exception, Shutdown):
            return claiming.give_back(held, end=end)
        decision = decide(
            exception,
            policy=policy_of(broker.get_actor(held.actor)),
            failures=held.failures,
            max_attempts=held.max_attempts,
            age=_age_of_tries(held),
            dice=random.random(),  # noqa: S311 - jitter, not a secret
        )
        if decision.verdict is Verdict.CANCEL:
            return claiming.cancel_running(held, end=end)
        message = str(exception) or type(exception).__name__
        if decision.reason:
            message = f"{message} ({decision.reason})"
        told = {
            "error_class": type(exception).__name__,
            "message": message,
            "traceback": "".join(traceback.format_exception(exception)),
        }
        if decision.verdict is Verdict.FAIL:
            logger.error("%s %s failed: %s", held.actor, held.task_id, message)
            return claiming.fail(held, **told, end=end)
        logger.info("%s %s is tried again: %s", held.actor, held.task_id, message)
        return claiming.retry(
            held,
            delay_seconds=decision.delay_seconds,
            is_burnt=decision.verdict is Verdict.RETRY,
            **told,
            end=end,
        )


def _age_of_tries(held: Claim) -> timedelta:
    """Return the time since the first of the runs that count for this one.

    Not since the task was enqueued: one planned for next week is not old when it first
    runs. A final failure or a cancellation closes what came before it, so that a task
    which a person runs again starts afresh.
    """
    runs = Attempt.objects.filter(task_id=held.task_id)
    closed = runs.filter(
        outcome__in=(Attempt.Outcome.FAILED, Attempt.Outcome.CANCELLED)
    ).aggregate(last=Max("number"))["last"]
    first = runs.filter(number__gt=closed or 0).aggregate(at=Min("started_at"))["at"]
    return timezone.now() - first if first else timedelta(0)
