"""Consume a RabbitMQ queue: claim in groups, and acknowledge at the claim.

A message only says which row may run now. Once the row is claimed the message has done
its work, so it is acknowledged right then: RabbitMQ's `consumer_timeout` (30 minutes)
never meets a long task, a dropped connection brings no second copy of what is running,
and one acknowledgement covers a whole group.

Messages that this process has no free thread for are not kept from the others: they go
back after `HOLD_SECONDS`, and the queue is consumed again when a thread is free.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pika
import pika.exceptions
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from dramatiq import Consumer, Message, MessageProxy
from dramatiq.errors import ConnectionClosed, DecodeError

from tasks.addressing import Preference
from tasks.current import Claim
from tasks.holding import STALE_SECONDS

if TYPE_CHECKING:
    from tasks.ledger import Ledger

logger = logging.getLogger(__name__)

#: Messages claimed by one statement.
BATCH = 64
#: Seconds that messages are held for which no thread is free.
HOLD_SECONDS = 0.2
#: Seconds between two looks at the connection while messages wait for a thread.
LOOK_SECONDS = 0.05
#: Messages that RabbitMQ sends ahead: so many seconds of work at the present pace, and
#: never more than so many.
PREFETCH_SECONDS = 0.1
PREFETCH_AT_MOST = 256
#: After a pause queues are consumed again in the order of their priority, so many
#: seconds apart: enough for the first message of one to arrive before the next asks.
STAGGER_SECONDS = 0.01
#: Seconds between two tries to claim while the database is away.
DATABASE_PAUSE_SECONDS = 1.0


class ClaimedMessage(MessageProxy):
    """A message whose task this process holds."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(
            Message(
                queue_name=claim.queue,
                actor_name=claim.actor,
                args=tuple(claim.args),
                kwargs=claim.kwargs,
                options=claim.options,
                message_id=str(claim.task_id),
                message_timestamp=0,
            )
        )
        self.claim = claim


@dataclass(frozen=True, slots=True)
class _Delivered:
    tag: int
    #: None when the message names no task.
    task_id: UUID | None


class LedgerConsumer(Consumer):
    """One queue's consumer, driven by a thread of Dramatiq's worker alone."""

    def __init__(
        self,
        ledger: Ledger,
        parameters: Sequence[pika.URLParameters],
        *,
        queue: str,
        rabbitmq_queue: str,
        prefetch: int,
        timeout: int,
    ) -> None:
        """`timeout`, in milliseconds, is the longest wait of `__next__`."""
        self._ledger = ledger
        self._queue = rabbitmq_queue
        self._rank = settings.QUEUES.get(queue, 0)
        self._place = sorted(settings.QUEUES.values(), reverse=True).index(self._rank)
        self._seconds = timeout / 1000
        self._least_prefetch = self._prefetch = prefetch
        self._waiting: deque[_Delivered] = deque()
        self._waiting_since = 0.0
        self._claimed: deque[Claim] = deque()
        self._consumer_tag: str | None = None
        self._is_cancelled = False
        self._preference = Preference(parameters)
        with _connection_errors():
            self._connection = pika.BlockingConnection(parameters)
            self._preference.present = self._connection._impl.params
            self._channel: Any = self._connection.channel()
            self._channel.add_on_cancel_callback(self._on_cancelled)
            self._consume()

    # --- what Dramatiq calls --------------------------------------------------------

    def __next__(self) -> MessageProxy | None:
        """Return the next claimed message, or None after the time-out."""
        if not self._claimed:
            with _connection_errors():
                self._fill()
        return ClaimedMessage(self._claimed.popleft()) if self._claimed else None

    def ack(self, message: MessageProxy) -> None:
        """Do nothing: it was acknowledged when it was claimed."""

    def nack(self, message: MessageProxy) -> None:
        """Put a task back that Dramatiq could not give to an actor."""
        self._ledger.put_off(message.claim)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give back what was claimed and not begun, as Dramatiq asks at its end."""
        ids = [message.claim.task_id for message in messages]
        self._ledger.give_back(self._ledger.holding.drop_ahead(only=ids))

    def close(self) -> None:
        """Give everything back and close the connection."""
        ids = [held.task_id for held in self._claimed]
        self._claimed.clear()
        self._ledger.give_back(self._ledger.holding.drop_ahead(only=ids))
        with _connection_errors():
            if self._connection.is_open:
                # What was not acknowledged goes to others.
                self._connection.close()

    # --- one look -------------------------------------------------------------------

    def _fill(self) -> None:
        """Receive, and claim what came, as far as there is room."""
        if self._is_cancelled:
            # Dramatiq starts another consumer, which declares the queue again.
            raise pika.exceptions.ConsumerCancelled
        self._give_back_stale()
        if self._ledger.is_stopping.is_set():
            self._put_back()
            time.sleep(LOOK_SECONDS)
            self._connection.process_data_events(0)
            return
        if self._consumer_tag is None and not self._resume():
            return
        if not self._waiting:
            if self._preference.calls_back():
                raise ConnectionClosed("a preferred host of RABBITMQ_URL is back")
            self._adapt_prefetch()
            self._connection.process_data_events(self._seconds)
        if self._waiting:
            self._claim_waiting()

    def _claim_waiting(self) -> None:
        room = self._ledger.holding.reserve(
            min(len(self._waiting), BATCH), rank=self._rank, seconds=LOOK_SECONDS
        )
        if not room:
            self._connection.process_data_events(0)
            if time.monotonic() - self._waiting_since > HOLD_SECONDS:
                self._put_back()
            return
        batch = [self._waiting[place] for place in range(room)]
        ids = [one.task_id for one in batch if one.task_id is not None]
        try:
            claims = self._ledger.claim(ids, reserved=room)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database is away (%s); waiting.", error)
            self._ledger.holding.take_in([], reserved=room)
            self._put_back()
            time.sleep(DATABASE_PAUSE_SECONDS)
            return
        self._claimed.extend(filter(None, claims))
        for _ in batch:
            self._waiting.popleft()
        self._waiting_since = time.monotonic()
        # Deliveries are settled in the order of their tags: this settles the group.
        self._channel.basic_ack(batch[-1].tag, multiple=True)

    def _give_back_stale(self) -> None:
        stale = self._ledger.holding.drop_ahead(older_than_seconds=STALE_SECONDS)
        if stale:
            logger.info("%d claims waited for a thread and go back.", len(stale))
            self._ledger.give_back(stale)

    # --- RabbitMQ -------------------------------------------------------------------

    def _consume(self) -> None:
        self._channel.basic_qos(prefetch_count=self._prefetch)
        self._consumer_tag = self._channel.basic_consume(self._queue, self._receive)

    def _receive(
        self, _channel: Any, method: Any, properties: Any, body: bytes
    ) -> None:
        if not self._waiting:
            self._waiting_since = time.monotonic()
        self._waiting.append(
            _Delivered(method.delivery_tag, _task_id(properties.message_id, body))
        )

    def _on_cancelled(self, _frame: Any) -> None:
        """Learn that RabbitMQ has ended the consumer, as when the queue is deleted."""
        self._is_cancelled = True

    def _put_back(self) -> None:
        """Take no more messages, and let others have those that wait here."""
        if self._consumer_tag is not None:
            self._channel.basic_cancel(self._consumer_tag)
            self._consumer_tag = None
        if self._waiting:
            self._channel.basic_nack(self._waiting[-1].tag, multiple=True, requeue=True)
            self._waiting.clear()
        self._prefetch = self._wanted_prefetch()

    def _resume(self) -> bool:
        """Consume again once a thread is free; False while none is."""
        room = self._ledger.holding.reserve(1, rank=self._rank, seconds=self._seconds)
        self._ledger.holding.take_in([], reserved=room)
        if not room:
            self._connection.process_data_events(0)
            return False
        time.sleep(STAGGER_SECONDS * self._place)
        if not self._ledger.holding.has_room():
            return False
        self._consume()
        return True

    def _wanted_prefetch(self) -> int:
        ahead = int(self._ledger.holding.per_second() * PREFETCH_SECONDS)
        return min(max(self._least_prefetch, ahead), PREFETCH_AT_MOST)

    def _adapt_prefetch(self) -> None:
        """Let RabbitMQ send more ahead when the pace has much increased."""
        wanted = self._wanted_prefetch()
        if wanted >= self._prefetch * 2:
            self._prefetch = wanted
            self._channel.basic_cancel(self._consumer_tag)
            self._consume()


@contextmanager
def _connection_errors() -> Iterator[None]:
    """Raise what Dramatiq expects of a broken connection."""
    try:
        yield
    except (
        pika.exceptions.AMQPConnectionError,
        pika.exceptions.AMQPChannelError,
    ) as error:
        raise ConnectionClosed(error) from None


def _task_id(message_id: str | None, body: bytes) -> UUID | None:
    """Return the task that a message names: in its properties, or as Dramatiq has it."""
    try:
        return UUID(message_id or Message.decode(body).message_id)
    except (ValueError, DecodeError):
        logger.error("A message without a task id was dropped: %r", body[:200])
        return None
