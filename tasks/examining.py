"""Look whether a RabbitMQ can serve us: its version, and the queues that it has already.

Needs no settings: the start scripts ask as well. What can't be reached is waited for, so
that it is no reason not to start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pika
import pika.exceptions

#: Older ones are not tested; 3.10 is what Debian 12 has.
MINIMUM = (3, 10)
#: RabbitMQ's answer to a queue that exists with other arguments.
PRECONDITION_FAILED = 406
NOT_FOUND = 404


def refusal(queue: str, reason: str) -> str:
    """Say what to do about a queue that RabbitMQ refuses to declare as we do."""
    return (
        f"RabbitMQ has the queue {queue} with other arguments ({reason}): delete the"
        " queue, or choose another RABBITMQ_QUEUE_PREFIX. The tasks wait in PostgreSQL"
        " and come to the new queue."
    )


def too_old(connection: pika.BlockingConnection) -> str | None:
    """Return what is wrong with the server's version, or None."""
    told = connection._impl.server_properties
    product, version = (str(told.get(word, "?")) for word in ("product", "version"))
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if product == "RabbitMQ" and numbers < MINIMUM:
        return (
            f"RabbitMQ is version {version}: {'.'.join(map(str, MINIMUM))} or newer is"
            " needed."
        )
    return None


def unfit_queue(
    connection: pika.BlockingConnection,
    queues: Iterable[str],
    arguments: Mapping[str, Any],
) -> str | None:
    """Return what is wrong with the first queue that differs from ours, or None.

    A queue that is not there yet is left so.
    """
    for queue in queues:
        try:
            connection.channel().queue_declare(queue, passive=True)
            # It is there: now this changes nothing, and compares the arguments.
            connection.channel().queue_declare(
                queue, durable=True, arguments=dict(arguments)
            )
        except pika.exceptions.ChannelClosedByBroker as error:
            if error.reply_code == PRECONDITION_FAILED:
                return refusal(queue, error.reply_text)
            if error.reply_code != NOT_FOUND:
                return f"RabbitMQ refuses the queue {queue}: {error.reply_text}."
    return None
