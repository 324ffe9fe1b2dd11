"""Publish messages to RabbitMQ, pipelined, with publisher confirms.

One message at a time with confirms is bound by the round trip (measured: 869/s, where
8,117/s go out without). So a batch is written in one go and then its confirms are
awaited together. pika's BlockingConnection can't do that; its SelectConnection can, and
its loop runs only while this thread wants something from it.
"""

from __future__ import annotations

import functools
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

import pika
import pika.exceptions
from django.conf import settings

from tasks.addressing import CONNECT_SECONDS, Preference, reason_of
from tasks.barring import Barred
from tasks.broker import queue_arguments, rabbitmq_queue

logger = logging.getLogger(__name__)

#: Messages written between two turns of the loop, which sends them.
CHUNK = 100
#: Messages in flight before confirms are awaited. RabbitMQ works on some while others are
#: written here.
WINDOW = 1000
#: A broker that confirms nothing for so long is treated as gone.
CONFIRM_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What RabbitMQ needs to know of a task: the rest is in its row."""

    task_id: UUID
    actor: str
    queue: str
    priority: int

    def body(self) -> bytes:
        """Encode a Dramatiq message that carries the id alone.

        The arguments stay in the row: it is the truth, it may be encrypted, and small
        messages keep the broker fast.
        """
        head = _head(self.actor, self.queue)
        milliseconds = int(time.time() * 1000)
        return (
            f'{head},"message_id":"{self.task_id}","message_timestamp":{milliseconds}}}'
        ).encode()


@functools.cache
def _head(actor: str, queue: str) -> str:
    """Return the part of a body that all messages of one actor share."""
    message = {
        "queue_name": queue,
        "actor_name": actor,
        "args": [],
        "kwargs": {},
        "options": {},
    }
    return json.dumps(message, separators=(",", ":"))[:-1]


class BrokerUnavailable(ConnectionError):
    """Raised when RabbitMQ can't be reached; what was not confirmed is still owed."""


class Publisher:
    """A connection for publishing; not thread-safe, each thread has its own."""

    def __init__(self) -> None:
        self._connection: pika.SelectConnection | None = None
        self._channel: Any = None
        self._failure: str | None = None
        self._declared: set[str] = set()
        self._pending: dict[int, UUID] = {}
        self._refused: set[UUID] = set()
        self._barred = Barred()
        self._preference = Preference()
        self._tag = 0
        #: Unconfirmed messages at which waiting ends.
        self._goal = 0

    def publish(self, deliveries: Iterable[Delivery]) -> list[UUID]:
        """Publish and return the ids that RabbitMQ confirmed, which may be fewer.

        Raises BrokerUnavailable when no connection can be had at all.
        """
        self._connect()
        self._pending.clear()
        self._refused.clear()
        sent: list[Delivery] = []
        remaining = (one for one in deliveries if one.queue not in self._barred)
        while chunk := list(islice(remaining, CHUNK)):
            self._declare({delivery.queue for delivery in chunk})
            if self._failure:
                break
            sent += chunk
            self._write(chunk)
            self._await_confirms(WINDOW)
        self._await_confirms(0)
        unconfirmed = set(self._pending.values()) | self._refused
        if self._pending and not self._failure:
            self._drop(f"RabbitMQ did not confirm within {CONFIRM_SECONDS:.0f} s")
        return [d.task_id for d in sent if d.task_id not in unconfirmed]

    def ready_count(self, queue: str) -> int | None:
        """Return how many messages wait in RabbitMQ for `queue`.

        None when RabbitMQ refuses the queue. Raises BrokerUnavailable.
        """
        if queue in self._barred:
            return None
        self._connect()
        answers: list[int] = []

        def on_declared(frame: Any) -> None:
            answers.append(frame.method.message_count)
            self._stop()

        self._channel.queue_declare(
            queue=rabbitmq_queue(queue),
            durable=True,
            arguments=queue_arguments(),
            callback=on_declared,
        )
        self._run_until(lambda: bool(answers), CONFIRM_SECONDS)
        if not answers:
            self._give_up_declaring({queue})
            if queue in self._barred:
                return None
            raise BrokerUnavailable(self._failure)
        return answers[0]

    def keep_alive(self) -> None:
        """Answer heartbeats; call it every few seconds while idle."""
        if self._connection is not None and self._connection.is_open:
            self._run_until(lambda: True, 0)
            if self._failure:
                self._drop(self._failure)

    def close(self) -> None:
        """Close the connection."""
        self._drop(None)

    # --- one batch ----------------------------------------------------------

    def _write(self, chunk: Sequence[Delivery]) -> None:
        for delivery in chunk:
            self._tag += 1
            self._pending[self._tag] = delivery.task_id
            self._channel.basic_publish(
                exchange="",
                routing_key=rabbitmq_queue(delivery.queue),
                body=delivery.body(),
                properties=pika.BasicProperties(
                    delivery_mode=2,
                    priority=delivery.priority,
                    message_id=str(delivery.task_id),
                ),
                # A vanished queue returns the message instead of dropping it.
                mandatory=True,
            )
        self._join_frames()

    def _join_frames(self) -> None:
        """Send a chunk in one system call: one per frame was half of all the cost.

        pika's buffer is private, so this does nothing where pika keeps it elsewhere.
        """
        transport = getattr(self._connection, "_transport", None)
        buffers = getattr(transport, "_tx_buffers", None)
        if isinstance(buffers, deque) and len(buffers) > 1:
            joined = b"".join(buffers)
            buffers.clear()
            buffers.append(joined)

    def _await_confirms(self, goal: int) -> None:
        """Turn the loop until at most `goal` messages are unconfirmed, once at least."""
        self._goal = goal
        is_reached = len(self._pending) <= goal
        if not self._failure:
            self._run_until(
                lambda: len(self._pending) <= goal, 0 if is_reached else CONFIRM_SECONDS
            )

    def _declare(self, queues: set[str]) -> None:
        missing = queues - self._declared
        if not missing:
            return
        waiting = set(missing)

        def on_declared(queue: str, _frame: Any) -> None:
            waiting.discard(queue)
            if not waiting:
                self._stop()

        for queue in missing:
            self._channel.queue_declare(
                queue=rabbitmq_queue(queue),
                durable=True,
                arguments=queue_arguments(),
                callback=partial(on_declared, queue),
            )
        self._run_until(lambda: not waiting, CONFIRM_SECONDS)
        self._declared |= missing - waiting
        if waiting:
            self._give_up_declaring(waiting)

    def _give_up_declaring(self, queues: set[str]) -> None:
        self._barred.add_named(queues, self._failure or "")
        self._drop("RabbitMQ did not answer a queue declaration")

    # --- answers of the broker ----------------------------------------------

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        if method.multiple:
            # Tags ascend, and so do the keys.
            tags = list(takewhile(method.delivery_tag.__ge__, self._pending))
        else:
            tags = [method.delivery_tag]
        for tag in tags:
            task_id = self._pending.pop(tag, None)
            if task_id is not None and isinstance(method, pika.spec.Basic.Nack):
                self._refused.add(task_id)
        if len(self._pending) <= self._goal:
            self._stop()

    def _on_return(
        self, _channel: Any, method: Any, properties: Any, _body: bytes
    ) -> None:
        # The return comes before the confirm of the same message (AMQP 0-9-1 as
        # RabbitMQ extends it), so the confirm below can't count it as delivered.
        self._refused.add(UUID(properties.message_id))
        self._declared = {
            queue
            for queue in self._declared
            if rabbitmq_queue(queue) != method.routing_key
        }

    # --- connection -----------------------------------------------------------

    def _connect(self) -> None:
        if self._is_usable():
            # A connection that died while idle shows itself in one turn of the loop.
            self.keep_alive()
        if self._is_usable() and not self._preference.calls_back():
            return
        self._drop(None)
        errors = []
        for host in self._preference.hosts(settings.RABBITMQ_URL):
            self._preference.present = host
            if (failure := self._open(host)) is None:
                return
            errors.append(f"{host.host}:{host.port}: {failure}")
            self._drop(None)
        raise BrokerUnavailable(f"RabbitMQ can't be reached: {'; '.join(errors)}.")

    def _is_usable(self) -> bool:
        return bool(self._channel and self._channel.is_open and not self._failure)

    def _open(self, parameters: pika.ConnectionParameters) -> str | None:
        """Open connection and channel; return None, or what was the matter."""

        def on_open(connection: pika.SelectConnection) -> None:
            connection.channel(on_open_callback=on_channel)

        def on_channel(channel: Any) -> None:
            channel.add_on_close_callback(lambda _channel, reason: self._fail(reason))
            channel.add_on_return_callback(self._on_return)
            channel.confirm_delivery(
                ack_nack_callback=self._on_confirm,
                callback=lambda _frame: ready(channel),
            )

        def ready(channel: Any) -> None:
            self._channel = channel
            self._stop()

        self._tag = 0
        self._declared.clear()
        self._connection = pika.SelectConnection(
            parameters,
            on_open_callback=on_open,
            on_open_error_callback=lambda _connection, error: self._fail(error),
            on_close_callback=lambda _connection, reason: self._fail(reason),
        )
        self._run_until(lambda: self._channel is not None, CONNECT_SECONDS * 2)
        if self._channel is None:
            return self._failure or "no answer"
        return self._failure

    def _fail(self, reason: BaseException) -> None:
        self._failure = self._failure or reason_of(reason)
        self._stop()

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.ioloop.stop()

    def _drop(self, failure: str | None) -> None:
        """Close what is left of the connection and remember why."""
        connection = self._connection
        if connection is not None:
            if connection.is_open:
                connection.close()
            self._failure = None
            deadline = time.monotonic() + 1.0
            # The channel's close comes first and stops the loop too; the socket itself
            # is closed in a turn after the connection's.
            while not connection.is_closed and time.monotonic() < deadline:
                self._turn(0.05)
            self._turn(0)
            connection.ioloop.close()
        self._connection = self._channel = None
        self._failure = failure

    def _turn(self, seconds: float) -> None:
        if self._connection is not None:
            self._connection.ioloop.call_later(seconds, self._stop)
            self._connection.ioloop.start()

    def _run_until(self, is_done: Callable[[], bool], seconds: float) -> None:
        """Turn the loop until `is_done`, a failure, or the time is up."""
        if self._connection is None:
            return
        loop = self._connection.ioloop
        deadline = time.monotonic() + seconds
        timer = loop.call_later(seconds, loop.stop)
        try:
            while True:
                loop.start()
                if is_done() or self._failure or time.monotonic() >= deadline:
                    return
        finally:
            loop.remove_timeout(timer)
