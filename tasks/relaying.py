"""The relay: bring what is due, and what is owed, to the broker.

`release_due` moves scheduled tasks whose time has come to `queued`. `owed` names
queued tasks that RabbitMQ has not confirmed; `relay_to_rabbitmq` publishes both. `reclaim_lost` takes back those
that RabbitMQ confirmed once and no longer has. `raise_waiting` lets old ones overtake.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from dramatiq import Message

from tasks.broker import InProcessBroker
from tasks.gates import Gate
from tasks.gating import free_room, gates, shut_actors
from tasks.handover import mark_published
from tasks.publishing import Delivery, Publisher

#: Tasks taken at once.
BATCH = 1000
#: Seconds that the handover of the enqueueing process has before the relay steps in.
GRACE_SECONDS = 2
#: Seconds after which a queued task is missed when RabbitMQ says its queue is empty.
MISSED_SECONDS = 15

#: Seconds of waiting that raise a task's priority in RabbitMQ by one.
AGEING_SECONDS = 60
#: Tasks of a queue that are raised at once; each is a second message, so only few.
AGEING_BATCH = 20
#: Share of a limited queue's turns that goes to the oldest, whatever its priority.
OLDEST_SHARE = 0.2

#: The queues and actors that have such rows, each found by one step in the index: the
#: relay goes lane by lane, so that the many held of one are not walked through for the
#: others of its queue.
_LANES = """
WITH RECURSIVE lane(queue, actor) AS (
    (SELECT queue, actor FROM tasks_task WHERE {which} ORDER BY queue, actor LIMIT 1)
    UNION ALL
    SELECT later.queue, later.actor FROM lane CROSS JOIN LATERAL (
        SELECT queue, actor FROM tasks_task
        WHERE {which} AND (queue, actor) > (lane.queue, lane.actor)
        ORDER BY queue, actor LIMIT 1
    ) AS later
)
"""

#: statement_timestamp() and not clock_timestamp(), which no index can be asked for.
_RELEASE = """{lanes}
UPDATE tasks_task SET state = 'queued', published_at = NULL
WHERE id = ANY(ARRAY(
    SELECT due.id FROM lane
    JOIN unnest(%s::text[], %s::timestamptz[]) AS gate(name, until)
        ON gate.name = lane.queue
    CROSS JOIN LATERAL (
        SELECT id FROM tasks_task
        WHERE state = 'scheduled' AND queue = lane.queue AND actor = lane.actor
            AND run_at <= statement_timestamp()
            AND (gate.until IS NULL OR created_at <= gate.until)
        ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE lane.actor <> ALL(%s::text[])
))
RETURNING id, actor, queue, priority
""".replace("{lanes}", _LANES.format(which="state = 'scheduled'"))

_OWED = """{lanes}
SELECT id, actor, queue, priority FROM (
    SELECT owed.*, gate.place, gate.room,
        row_number() OVER (PARTITION BY owed.queue ORDER BY {order}) AS number
    FROM lane
    JOIN unnest(%s::text[], %s::timestamptz[], %s::int[], %s::float[])
        WITH ORDINALITY AS gate(name, until, room, grace, place)
        ON gate.name = lane.queue
    LEFT JOIN unnest(%s::text[], %s::int[]) AS shut(actor, room)
        ON shut.actor = lane.actor
    CROSS JOIN LATERAL ({of_lane}) AS owed
) AS numbered
WHERE number <= room ORDER BY place, number
""".replace("{lanes}", _LANES.format(which="state = 'queued' AND published_at IS NULL"))

#: least() passes over the NULL of actors that are not shut. Of shut ones nobody else
#: publishes anything, so they need no grace.
_OF_LANE = """
    SELECT id, actor, queue, priority, run_at FROM tasks_task
    WHERE state = 'queued' AND published_at IS NULL
        AND queue = lane.queue AND actor = lane.actor{level}
        AND run_at <= statement_timestamp() - make_interval(
            secs => CASE WHEN shut.actor IS NULL THEN gate.grace ELSE 0 END)
        AND (gate.until IS NULL OR created_at <= gate.until)
    ORDER BY {order} LIMIT least(gate.room, shut.room)
"""
_PRIORITY = "priority DESC, run_at"
_OWED_BY_PRIORITY = _OWED.replace("{order}", _PRIORITY).replace(
    "{of_lane}", _OF_LANE.format(level="", order=_PRIORITY)
)
#: The oldest of each priority first, as the index has them, and of these the oldest.
_OWED_BY_AGE = _OWED.replace("{order}", "run_at").replace(
    "{of_lane}",
    """
    SELECT oldest.* FROM generate_series(0, 10) AS level
    CROSS JOIN LATERAL ({of_lane}) AS oldest
    ORDER BY oldest.run_at LIMIT least(gate.room, shut.room)
""".replace(
        "{of_lane}", _OF_LANE.format(level=" AND priority = level", order="run_at")
    ),
)

_AGE = """
UPDATE tasks_task SET published_at = statement_timestamp()
WHERE id IN (
    SELECT old.id FROM unnest(%(queues)s::text[]) AS lane(name)
    CROSS JOIN LATERAL (
        SELECT id FROM tasks_task
        WHERE state = 'queued' AND queue = lane.name
            AND run_at <= statement_timestamp() - make_interval(secs => %(step)s)
            AND published_at <= statement_timestamp() - make_interval(secs => %(step)s)
        ORDER BY run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) AS old
)
RETURNING id, actor, queue, least(10, priority + floor(
    extract(epoch FROM statement_timestamp() - run_at) / %(step)s))::int
"""

_MISSED_QUEUES = """
SELECT DISTINCT queue FROM tasks_task
WHERE state = 'queued' AND published_at < clock_timestamp() - make_interval(secs => %s)
"""

_TAKE = """
UPDATE tasks_task SET published_at = clock_timestamp()
WHERE id IN (
    SELECT id FROM tasks_task
    WHERE id = ANY(%s) AND state || '' = 'queued' AND published_at IS NULL
    FOR UPDATE SKIP LOCKED
)
RETURNING id
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


def release_due(lanes: Iterable[Gate] | None = None) -> list[Delivery]:
    """Move what is due to `queued` and return it, at most `BATCH` of a queue's actor.

    `lanes` are the queues' gates, all by default. What a gate holds stays as it is.
    """
    paused = [name for name, gate in shut_actors().items() if gate.is_paused]
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [*_columns(_unpaused(lanes)), BATCH, paused])
        return [Delivery(*row) for row in cursor.fetchall()]


def owed(
    grace_seconds: float = GRACE_SECONDS,
    lanes: Iterable[Gate] | None = None,
    room: int = BATCH,
) -> list[Delivery]:
    """Return queued tasks that RabbitMQ has not confirmed for `grace_seconds`.

    At most `room` of each queue, and of a limited queue or actor as many as may begin
    now; nobody else publishes those, so they need no grace.
    """
    unpaused, shut = _unpaused(lanes), shut_actors()
    rooms, actor_rooms = free_room(unpaused, shut.values(), datetime.now(UTC))
    by_age = random.random() < OLDEST_SHARE  # noqa: S311 - fairness, not a secret
    with connection.cursor() as cursor:
        cursor.execute(
            _OWED_BY_AGE if by_age else _OWED_BY_PRIORITY,
            [
                *_columns(unpaused),
                [min(rooms[gate.name], room) for gate in unpaused],
                [0.0 if gate.is_limited else float(grace_seconds) for gate in unpaused],
                list(actor_rooms),
                list(actor_rooms.values()),
            ],
        )
        return [Delivery(*row) for row in cursor.fetchall()]


def _unpaused(lanes: Iterable[Gate] | None) -> list[Gate]:
    known = gates().values() if lanes is None else lanes
    return [gate for gate in known if not gate.is_paused]


def _columns(lanes: Sequence[Gate]) -> tuple[list[str], list[datetime | None]]:
    return [gate.name for gate in lanes], [gate.draining_since for gate in lanes]


def relay_to_rabbitmq(publisher: Publisher) -> int:
    """Release and publish one batch; return how many RabbitMQ confirmed.

    Raises BrokerUnavailable; the rows are then owed and come with the next call.
    """
    lanes, shut = gates(), shut_actors()
    released = [
        one
        for one in release_due(lanes.values())
        if not lanes[one.queue].is_limited and one.actor not in shut
    ]
    deliveries = released + owed(lanes=lanes.values())
    if not deliveries:
        publisher.keep_alive()
        return 0
    # A task just released may stand among the owed ones too.
    confirmed = publisher.publish({one.task_id: one for one in deliveries}.values())
    mark_published(confirmed)
    return len(confirmed)


def raise_waiting(publisher: Publisher) -> int:
    """Publish the longest waiting once more, with a priority raised by their age.

    So a steady stream of urgent tasks can't starve the others of their queue, and what
    a queue has lost that is never empty comes again. The first message of the two claims
    the task, the second finds nothing to claim. Returns how many were raised.
    """
    names = [gate.name for gate in gates().values() if not gate.is_paused]
    with connection.cursor() as cursor:
        cursor.execute(
            _AGE, {"queues": names, "step": AGEING_SECONDS, "limit": AGEING_BATCH}
        )
        aged = [Delivery(*row) for row in cursor.fetchall()]
    return len(publisher.publish(aged)) if aged else 0


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
    lanes = [gate for name, gate in gates().items() if name in queues]
    release_due(lanes)
    waiting = owed(0.0, lanes, room)[:room]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [[one.task_id for one in waiting]])
        taken = {row[0] for row in cursor.fetchall()}
    for one in waiting:
        if one.task_id in taken:
            broker.feed(_message(one.task_id, one.actor, one.queue))
    return len(taken)


def _message(task_id: UUID, actor: str, queue: str) -> Message[object]:
    return Message(
        queue_name=queue,
        actor_name=actor,
        args=(),
        kwargs={},
        options={},
        message_id=str(task_id),
    )
