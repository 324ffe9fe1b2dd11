"""The Dramatiq middleware that makes every run a claim in the ledger.

Dramatiq swallows ordinary exceptions of its hooks and then runs the actor all the same,
so the guard here may only ever return after a claim or raise SkipMessage.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import traceback
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

import dramatiq
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.db.models import Max, Min
from django.utils import timezone
from dramatiq.middleware import Shutdown, SkipMessage
from dramatiq.middleware.threading import Interrupt

from fliptech_site.errors import Cancelled, PermanentError
from tasks import claiming, recording
from tasks.current import Claim, current_claim, set_current_claim
from tasks.declaring import policy_of
from tasks.ending import DATABASE_PAUSE_SECONDS, GIVE_UP_SECONDS, Endings
from tasks.gating import Watch
from tasks.grouping import Group
from tasks.handover import handover
from tasks.holding import Holding
from tasks.models import Attempt
from tasks.opening import try_to_put_off, unsealed_message
from tasks.policies import Verdict, decide
from tasks.publishing import Delivery
from tasks.sealing import SEALED, is_row_sealed

if TYPE_CHECKING:
    from dramatiq import Broker, MessageProxy, Worker

    from tasks.opening import SealedMessage

logger = logging.getLogger(__name__)

#: Seconds that a task waits whose actor no worker here knows, such as one of the next
#: version while the old one still runs.
UNKNOWN_ACTOR_SECONDS = 60.0


class Ledger(dramatiq.Middleware):
    """Claim before the actor runs, finish after it, and keep the claims that run."""

    def __init__(self) -> None:
        self.worker_id: int | None = None
        self.is_stopping = threading.Event()
        self.holding = Holding()
        #: Only the thread that claims looks at it.
        self._watch = Watch()
        self._claims = Group(self._claim_groups, "claims")
        self._endings = Endings(self.holding.forget)

    @property
    def actor_options(self) -> set[str]:
        """Options that `tasks.declaring.actor` sets."""
        return {"policy", "periodic", "encrypted"}

    # --- hooks ----------------------------------------------------------------

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Take as many claims in hand as there are threads."""
        self.holding.threads = worker.worker_threads

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Begin a claim; one that the message did not bring is made here."""
        held: Claim | None = getattr(message, "claim", None)
        if held is None:
            held = self._claim(message)
            message._message = message._message.copy(
                args=tuple(held.args), kwargs=held.kwargs, options=held.options
            )
        if is_row_sealed(held):
            message._message = self._unsealed(held, message)
        if not self.holding.begin(held):
            raise SkipMessage("given back before it began")
        set_current_claim(held)
        # The body's first query finds out, and not its failure, that the session of
        # this thread's last run was cut meanwhile.
        close_old_connections()

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Hand over what came of the run; the message itself is always acknowledged."""
        held = current_claim()
        if held is None:
            return
        handed = _HandOver(self._endings, held)
        try:
            self._protect()
            self.holding.keep_to_the_end(held)
            self._finish(broker, held, result, exception, handed)
        finally:
            set_current_claim(None)
            self.holding.free_thread()
            if not handed.is_done:
                # It was committed here, or can't be.
                self.holding.forget([held])

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """An actor may raise SkipMessage itself: then nothing was to be done."""
        self.after_process_message(broker, message)

    # --- claim ----------------------------------------------------------------

    def claim(self, task_ids: Sequence[UUID], *, reserved: int) -> list[Claim | None]:
        """Claim for messages of one queue; they are kept until their ends are committed.

        `reserved` is the room in `holding` that this uses up. Raises DatabaseError or
        InterfaceError when the database is away; then nothing is used up.
        """
        claims = self._claims.ask(task_ids)
        self.holding.take_in(filter(None, claims), reserved=reserved)
        return claims

    def give_back(self, claims: Sequence[Claim]) -> None:
        """Return claims that were not begun; other workers get them at once.

        While the database is away their leases run out instead.
        """
        if not claims:
            return
        try:
            close_old_connections()
            recording.end_together([recording.returning(held) for held in claims])
        except (DatabaseError, InterfaceError) as error:
            logger.warning("%d claims run out unreturned: %s", len(claims), error)
            return
        handover.offer(
            [
                Delivery(one.task_id, one.actor, one.queue, one.priority)
                for one in claims
            ]
        )

    def put_off(self, held: Claim) -> None:
        """Put a task back whose actor is not known here."""
        self.holding.drop_ahead(only=[held.task_id])
        logger.error("No worker here knows the actor %r of a task.", held.actor)
        claiming.retry(
            held,
            delay_seconds=UNKNOWN_ACTOR_SECONDS,
            is_burnt=False,
            error_class="UnknownActor",
            message=(
                f"The worker that had it does not know the actor {held.actor!r};"
                " it is tried again in a minute. Are all workers of this version?"
            ),
            traceback="",
        )

    def flush(self, seconds: float) -> bool:
        """Wait until the ends of all runs are committed; False if it took too long."""
        return self._endings.flush(seconds)

    def _claim(self, message: MessageProxy) -> Claim:
        """Claim for a message that brings none; raises SkipMessage if it can't be had."""
        try:
            task_id = UUID(message.message_id)
        except ValueError:
            logger.error("A message without a task id was dropped: %s", message)
            raise SkipMessage("not a task") from None
        while not self.is_stopping.is_set():
            try:
                # The claim goes another way; this is for the actor's own queries.
                close_old_connections()
                held = self.claim([task_id], reserved=0)[0]
            except (DatabaseError, InterfaceError) as error:
                # Waiting here holds the thread: without the ledger nothing may run.
                logger.warning("The database is away (%s); waiting.", error)
                close_old_connections()
                time.sleep(DATABASE_PAUSE_SECONDS)
            else:
                if held is None:
                    break
                return held
        raise SkipMessage("not there to be claimed")

    def _unsealed(self, held: Claim, message: MessageProxy) -> SealedMessage:
        """Return the message with its arguments, or put the task off: SkipMessage.

        After any other error Dramatiq would run the actor with ciphertext.
        """
        try:
            return unsealed_message(held, message)
        except Exception as error:
            self.holding.drop_ahead(only=[held.task_id])
            try_to_put_off(held, error)
            raise SkipMessage("its arguments can't be read") from error

    def _claim_groups(
        self, groups: Sequence[Sequence[UUID]]
    ) -> list[list[Claim | None]]:
        claims = iter(
            claiming.claim_together(
                list(chain.from_iterable(groups)),
                self.worker_id,
                are_queues_open=not self._watch.shut(),
            )
        )
        return [[next(claims) for _ in group] for group in groups]

    def _protect(self) -> None:
        """Let no interrupt strike from here on; one that came too late is dropped.

        The body is done: to lose the finish now would run it again.
        """
        while True:
            try:
                is_done = not self.holding.protect()
                # An interrupt sent before that is delivered no later than here.
                time.sleep(0)
                if is_done:
                    return
            except (Interrupt, Cancelled) as late:
                logger.info("%s came after the end of the run.", type(late).__name__)

    # --- finish -----------------------------------------------------------------

    def _finish(
        self,
        broker: Broker,
        held: Claim,
        result: Any,
        exception: BaseException | None,
        end: _HandOver,
    ) -> None:
        """Hand the end over; only what has to ask the database waits for it."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                self._record(broker, held, result, exception, end)
                return
            except (DatabaseError, InterfaceError):
                if time.monotonic() > deadline:
                    logger.exception("Task %s could not be finished.", held.task_id)
                    return
                close_old_connections()
                time.sleep(DATABASE_PAUSE_SECONDS)

    def _succeed(self, held: Claim, result: Any, end: _HandOver) -> bool:
        """Record success; raises PermanentError when the task has failed after all."""
        try:
            return claiming.succeed(held, result, end=end)
        except (TypeError, ValueError) as error:
            raise PermanentError(
                f"{held.actor} returned something that JSON can't hold: {error}."
            ) from error

    def _record(
        self,
        broker: Broker,
        held: Claim,
        result: Any,
        exception: BaseException | None,
        end: _HandOver,
    ) -> bool:
        if exception is None:
            try:
                return self._succeed(held, result, end)
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
        if is_row_sealed(held):
            message = f"{type(exception).__name__} ({SEALED})"
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


class _HandOver:
    """Hands the end of one run over to the thread that commits it."""

    def __init__(self, endings: Endings, held: Claim) -> None:
        self._endings = endings
        self._held = held
        self.is_done = False

    def __call__(self, ending: recording.Ending) -> bool:
        self.is_done = True
        self._endings.put(self._held, ending)
        return True


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
