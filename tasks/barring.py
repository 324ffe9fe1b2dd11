"""Queues that RabbitMQ refuses, left alone for a while.

A queue that was declared with other arguments (406, by an older Dramatiq or by hand)
closes the channel on which it is declared again. It must not hold up the tasks of all
others; its own wait in the database.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from tasks.broker import rabbitmq_queue

logger = logging.getLogger(__name__)

#: Seconds after which a refused queue is tried again.
BARRED_SECONDS = 10.0


class Barred:
    """The refused queues of one publisher."""

    def __init__(self) -> None:
        #: Queue -> when it may be tried again.
        self._until: dict[str, float] = {}

    def __contains__(self, queue: str) -> bool:
        return time.monotonic() < self._until.get(queue, 0.0)

    def add_named(self, queues: Iterable[str], reason: str) -> None:
        """Bar the one of `queues` that RabbitMQ's `reason` names, if it names one."""
        for queue in queues:
            if f"'{rabbitmq_queue(queue)}'" in reason:
                self._until[queue] = time.monotonic() + BARRED_SECONDS
                logger.error(
                    "RabbitMQ refuses the queue %s, so its tasks wait: %s Delete the"
                    " queue, or choose another RABBITMQ_QUEUE_PREFIX.",
                    rabbitmq_queue(queue),
                    reason,
                )
