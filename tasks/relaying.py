"""The relay: bring what is due, and what is owed, to the broker.

`release_due` moves scheduled tasks whose time has come to `queued`. `publish_owed`
publishes queued tasks that RabbitMQ has not confirmed. `reclaim_lost` takes back those
that RabbitMQ confirmed once and no longer has.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import connection
from dramatiq import Message

from tasks.broker import InProcessBroker
from tasks.handover import mark_published
from tasks.publishing import Delivery, Publisher

#: Tasks taken at once.
BATCH = 1000
#: Seconds that the handover of the enqueueing process has before the relay steps in.
GRACE_SECONDS = 2
#: Seconds after which a queued task is missed when RabbitMQ says its queue is empty.
MISSED_SECONDS = 15

#: Highest priority first, so that a crowd of low ones can't hold up an urgent one.
_RELEASE = """
UPDATE tasks_task SET state = 'queued', published_at = NULL
WHERE id IN (
    SELECT id FROM tasks_task
    WHERE state = 'scheduled' AND run_at <= clock_timestamp()
    ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id, actor, queue, priority
"""

_OWED = """
SELECT id, actor, queue, priority FROM tasks_task
WHERE state = 'queued' AND published_at IS NULL
    AND run_at <= clock_timestamp() - make_interval(secs => %s)
ORDER BY run_at LIMIT %s
"""

_MISSED_QUEUES = """
SELECT DISTINCT queue FROM tasks_task
WHERE state = 'queued' AND published_at < clock_timestamp() - make_interval(secs => %s)
"""

_RECLAIM = """
UPDATE tasks_task SET published_at = NULL
WHERE id IN (
    SELECT id FROM tasks_task
    WHERE state = 'queued' AND queue = %s
        AND published_at < clock_timestamp() - make_interval(secs => %s)
    FOR UPDATE SKIP LOCKED
)
"""


def release_due() -> list[Delivery]:
    """Move what is due to `queued` and return it, at most `BATCH` at once."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [BATCH])
        return [Delivery(*row) for row in cursor.fetchall()]


def owed(grace_seconds: float = GRACE_SECONDS) -> list[Delivery]:
    """Return queued tasks that RabbitMQ has not confirmed for `grace_seconds`."""
    with connection.cursor() as cursor:
        cursor.execute(_OWED, [grace_seconds, BATCH])
        return [Delivery(*row) for row in cursor.fetchall()]


def relay_to_rabbitmq(publisher: Publisher) -> int:
    """Release and publish one batch; return how many RabbitMQ confirmed.

    Raises BrokerUnavailable; the rows are then owed and come with the next call.
    """
    deliveries = release_due() + owed()
    if not deliveries:
        publisher.keep_alive()
        return 0
    # A task just released may stand among the owed ones too.
    confirmed = publisher.publish({one.task_id: one for one in deliveries}.values())
    mark_published(confirmed)
    return len(confirmed)


def reclaim_lost(publisher: Publisher) -> int:
    """Owe again what was confirmed and is gone; return how many.

    A queue that RabbitMQ calls empty, while rows say they wait in it, has lost them (a
    purged queue, a node replaced) or holds them unacknowledged at a busy worker. For
    the latter the second message is harmless: it finds nothing to claim.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MISSED_QUEUES, [MISSED_SECONDS])
        queues = [row[0] for row in cursor.fetchall()]
        reclaimed = 0
        for queue in queues:
            if queue in settings.QUEUES and publisher.ready_count(queue) == 0:
                cursor.execute(_RECLAIM, [queue, MISSED_SECONDS])
                reclaimed += cursor.rowcount
    return reclaimed


def feed_in_process(broker: InProcessBroker, queues: set[str], room: int) -> int:
    """Feed at most `room` tasks to this process's own broker; return how many.

    Several workers may feed themselves at once: publishing is a compare-and-set here.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [BATCH])
        cursor.execute(
            """
            UPDATE tasks_task SET published_at = clock_timestamp()
            WHERE id IN (
                SELECT id FROM tasks_task
                WHERE state = 'queued' AND published_at IS NULL AND queue = ANY(%s)
                ORDER BY priority DESC, run_at LIMIT %s FOR UPDATE SKIP LOCKED
            )
            RETURNING id, actor, queue
            """,
            [list(queues), room],
        )
        rows = cursor.fetchall()
    for task_id, actor, queue in rows:
        broker.feed(_message(task_id, actor, queue))
    return len(rows)


def _message(task_id: UUID, actor: str, queue: str) -> Message[object]:
    return Message(
        queue_name=queue,
        actor_name=actor,
        args=(),
        kwargs={},
        options={},
        message_id=str(task_id),
    )
