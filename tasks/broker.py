"""Our Dramatiq brokers: sending writes a row, consuming reads RabbitMQ.

`LedgerBroker` consumes the five priority queues of RabbitMQ. Where no RabbitMQ can be
had, `InProcessBroker` takes its place inside the worker process. With both,
`actor.send()` stores a row exactly as `enqueue` does, so the ledger knows everything.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import dramatiq
import pika
import pika.exceptions
from django.conf import settings
from django.utils.module_loading import import_string
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import q_name
from dramatiq.errors import ConnectionClosed

from tasks.addressing import connection_parameters
from tasks.consuming import LedgerConsumer
from tasks.examining import PRECONDITION_FAILED, refusal, too_old, unfit_queue

if TYPE_CHECKING:
    from dramatiq import Broker, Message

    from tasks.ledger import Ledger

#: RabbitMQ's ceiling for message priorities; it can't be changed on an existing queue
#: (406 PRECONDITION_FAILED), so another value needs another queue prefix.
MAX_PRIORITY = 10


def rabbitmq_queue(queue: str) -> str:
    """Return the name under which RabbitMQ knows our queue."""
    return f"{settings.RABBITMQ_QUEUE_PREFIX}{queue}"


def queue_arguments() -> dict[str, Any]:
    """Return the arguments with which publisher and consumer declare every queue.

    The type is named, because a vhost may have quorum queues by default, which know other
    priorities or none. RabbitMQ takes it for the same as none where the queue is classic.
    """
    return {"x-max-priority": MAX_PRIORITY, "x-queue-type": "classic"}


def problem_at_start(queues: Iterable[str]) -> str | None:
    """Return why workers of these queues can't work with RabbitMQ, and what to do.

    None when they can, or when it can't be reached now: they wait for it.
    """
    if not settings.RABBITMQ_URL:
        return None
    try:
        parameters = connection_parameters(settings.RABBITMQ_URL)
        with pika.BlockingConnection(parameters) as connection:
            names = [rabbitmq_queue(queue) for queue in queues]
            return too_old(connection) or unfit_queue(
                connection, names, queue_arguments()
            )
    except pika.exceptions.AMQPConnectionError:
        return None


class _StoresInLedger:
    """Sending through Dramatiq's own API goes the way of `enqueue`."""

    def enqueue(
        self, message: Message[Any], *, delay: int | None = None
    ) -> Message[Any]:
        """Write the message's row; publishing happens after commit."""
        # By name: enqueueing stands above the broker, which actors need to be declared.
        store = import_string("tasks.enqueueing.store_message")
        store(message, delay)
        return message


class LedgerBroker(_StoresInLedger, RabbitmqBroker):
    """Dramatiq on RabbitMQ, without its delay and dead-letter queues.

    Delays, retries and dead letters are rows of the ledger, so only the five main
    queues exist; they carry a versioned prefix.
    """

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:
        """Declare a queue, on the server too when `ensure` is true."""
        name = q_name(queue_name)
        if name not in self.queues:
            self.emit_before("declare_queue", name)
            self.queues.add(name)
            self.queues_pending.add(name)
            self.emit_after("declare_queue", name)
        if ensure:
            self._ensure_queue(name)

    def consume(
        self, queue_name: str, prefetch: int = 1, timeout: int = 5000
    ) -> LedgerConsumer:
        """Consume the RabbitMQ queue that stands for `queue_name`."""
        # A queue may have been deleted, or the node replaced: declare on every start.
        self.queues_pending.add(queue_name)
        self.declare_queue(queue_name, ensure=True)
        return LedgerConsumer(
            self._ledger(),
            self.parameters,
            queue=queue_name,
            rabbitmq_queue=rabbitmq_queue(queue_name),
            prefetch=prefetch,
            timeout=timeout,
        )

    def _ledger(self) -> Ledger:
        # By what it has: the ledger stands above the broker, which actors need first.
        found = next(one for one in self.middleware if hasattr(one, "holding"))
        return cast("Ledger", found)

    def _declare_queue(self, queue_name: str) -> Any:
        name = rabbitmq_queue(queue_name)
        try:
            return self.channel.queue_declare(
                queue=name, durable=True, arguments=queue_arguments()
            )
        except pika.exceptions.ChannelClosedByBroker as error:
            if error.reply_code != PRECONDITION_FAILED:
                raise
            # Another try would be refused as well; Dramatiq logs this and waits.
            raise ConnectionClosed(refusal(name, error.reply_text)) from None

    def _declare_dq_queue(self, queue_name: str) -> None:
        """Delays are rows."""

    def _declare_xq_queue(self, queue_name: str) -> None:
        """Failures are rows."""


class InProcessBroker(_StoresInLedger, StubBroker):
    """Dramatiq's in-process broker, fed from the ledger inside the worker process."""

    def feed(self, message: Message[Any]) -> None:
        """Put a message straight into this process's queue."""
        StubBroker.enqueue(self, message)


@functools.cache
def get_broker() -> Broker:
    """Return this process's broker, built once and known to Dramatiq as the default."""
    middleware = [import_string(path)() for path in settings.TASK_MIDDLEWARE]
    broker: Broker
    if settings.RABBITMQ_URL:
        broker = LedgerBroker(
            parameters=None, url=None, middleware=middleware, max_priority=MAX_PRIORITY
        )
        broker.parameters = connection_parameters(settings.RABBITMQ_URL)
    else:
        broker = InProcessBroker(middleware=middleware)
    dramatiq.set_broker(broker)
    return broker
