"""Gates of queues and actors: pause, drain, rate and concurrency, changed while all runs.

What has no row, or nothing set on it, is open. Workers look once a second whether all
are; then claims cost nothing more. While any is shut, the claim asks in its own statement
whether the task's queue or actor is, and only where it is, the slower way here is gone,
which locks the rows and lets so many through as both may. What is refused goes back to
`scheduled`, unburnt, and the relay brings it again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from tasks.gates import UNLIMITED, Gate, free_slots, next_slot_after
from tasks.models import Actor, Queue, Task
from tasks.states import UNFINISHED, State

#: Seconds between two looks of a worker, or of a handover, at the gates.
WATCH_SECONDS = 1.0

#: What has begun, and what RabbitMQ holds, in limited queues and of limited actors. Of
#: those few rows are published at a time, so that this reads little.
_IN_HAND = """
SELECT queue, actor, count(*) FILTER (WHERE state = 'running'),
    count(*) FILTER (WHERE state = 'queued')
FROM (
    SELECT queue, actor, state FROM tasks_task
    WHERE state = 'running' AND (queue = ANY(%(queues)s) OR actor = ANY(%(actors)s))
    UNION ALL
    SELECT queue, actor, state FROM tasks_task
    WHERE state = 'queued' AND published_at IS NOT NULL AND queue = ANY(%(queues)s)
    UNION ALL
    SELECT queue, actor, state FROM tasks_task
    WHERE state = 'queued' AND published_at IS NOT NULL
        AND queue = ANY(%(others)s) AND actor = ANY(%(actors)s)
) AS in_hand
GROUP BY queue, actor
"""

#: `state || ''`: see tasks.claiming.
_ASKED = """
SELECT id, queue, actor, created_at FROM tasks_task
WHERE id = ANY(%s) AND state || '' = 'queued' ORDER BY priority DESC, id
"""

_HOLD = """
UPDATE tasks_task SET state = 'scheduled', published_at = NULL
WHERE id = ANY(%s) AND state || '' = 'queued'
"""


def gates(names: Iterable[str] | None = None) -> dict[str, Gate]:
    """Return the gate of each queue named, of all that settings know by default."""
    wanted = list(settings.QUEUES if names is None else names)
    rows = Queue.objects.filter(name__in=wanted)
    return {name: Gate(name) for name in wanted} | {r.name: _gate(r) for r in rows}


def shut_actors() -> dict[str, Gate]:
    """Return the gates of those actors that are paused or limited."""
    is_shut = Q(is_paused=True) | ~Q(rate_per_minute=None) | ~Q(concurrency=None)
    return {row.name: _gate(row) for row in Actor.objects.filter(is_shut)}


@dataclass(frozen=True, slots=True)
class Shut:
    """The queues and actors whose tasks the relay alone may publish; false if none."""

    queues: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is shut."""
        return bool(self.queues or self.actors)

    def concerns(self, queue: str, actor: str) -> bool:
        """Whether a task of this queue and actor is left to the relay."""
        return queue in self.queues or actor in self.actors


class Watch:
    """What is shut, looked up once a second; not for several threads."""

    def __init__(self) -> None:
        self._shut = Shut()
        self._looked_at = float("-inf")

    def shut(self) -> Shut:
        """Return it as it was at most `WATCH_SECONDS` ago."""
        now = time.monotonic()
        if now - self._looked_at > WATCH_SECONDS:
            queues = (name for name, gate in gates().items() if not gate.is_open)
            self._shut = Shut(frozenset(queues), frozenset(shut_actors()))
            self._looked_at = now
        return self._shut


def free_room(
    queues: Iterable[Gate], actors: Iterable[Gate], now: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many more messages RabbitMQ should hold for each queue and actor."""
    by_queue, by_actor = list(queues), list(actors)
    running, published = _in_hand(
        [gate.name for gate in by_queue if gate.is_limited],
        [gate.name for gate in by_actor if gate.is_limited],
    )

    def room(kind: str, gate: Gate) -> int:
        place = (kind, gate.name)
        free = free_slots(gate, running=running[place], now=now)
        return max(free - published[place], 0)

    return (
        {gate.name: room("queue", gate) for gate in by_queue},
        {gate.name: room("actor", gate) for gate in by_actor},
    )


def admit(task_ids: Sequence[UUID]) -> list[UUID]:
    """Return those queued tasks that may begin now, and hold the others.

    Call it in a transaction and claim in the same one: the rows of queues and actors
    stay locked, so that two workers can't both take the last slot.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, [list(task_ids)])
        asked = cursor.fetchall()
    if not asked:
        return []
    now = datetime.now(UTC)
    # In one order everywhere: queues before actors, each by name.
    queues = _turnstiles(Queue, "queue", {row[1] for row in asked}, now)
    actors = _turnstiles(Actor, "actor", {row[2] for row in asked}, now)
    admitted = []
    for task_id, queue, actor, created_at in asked:
        passes = (queues[queue], actors[actor])
        if all(one.is_free(created_at) for one in passes):
            admitted.append(task_id)
            for one in passes:
                one.passed += 1
    for one in (*queues.values(), *actors.values()):
        if one.passed and one.gate.rate_per_minute is not None:
            one.kind.objects.filter(name=one.gate.name).update(
                next_slot_at=next_slot_after(one.gate, one.passed, now)
            )
    refused = sorted({row[0] for row in asked}.difference(admitted))
    if refused:
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, [refused])
    return admitted


@dataclass(slots=True)
class _Turnstile:
    """A gate while tasks pass one by one."""

    kind: type[Queue] | type[Actor]
    gate: Gate
    slots: int
    passed: int = 0

    def is_free(self, created_at: datetime) -> bool:
        """Whether a task of this age may pass."""
        return self.passed < self.slots and not self.gate.holds(created_at)


def _turnstiles(
    kind: type[Queue] | type[Actor], column: str, names: set[str], now: datetime
) -> dict[str, _Turnstile]:
    locked = kind.objects.select_for_update().filter(name__in=names).order_by("name")
    turnstiles = {name: _Turnstile(kind, Gate(name), UNLIMITED) for name in names}
    for row in locked:
        gate, running = _gate(row), 0
        if gate.concurrency is not None:
            mine = {column: row.name}
            running = Task.objects.filter(state=State.RUNNING, **mine).count()
        slots = free_slots(gate, running=running, now=now)
        turnstiles[row.name] = _Turnstile(kind, gate, slots)
    return turnstiles


def settle_drained() -> list[str]:
    """Pause the draining queues in which nothing older is left; return their names."""
    settled = []
    for row in Queue.objects.filter(draining_since__isnull=False):
        # Delays for later are not waited for, retries are.
        later = Q(state=State.SCHEDULED, attempt=0, run_at__gt=timezone.now())
        older = Task.objects.filter(
            ~later,
            state__in=UNFINISHED,
            queue=row.name,
            created_at__lte=row.draining_since,
        )
        if not older.exists():
            Queue.objects.filter(
                name=row.name, draining_since=row.draining_since
            ).update(is_paused=True, draining_since=None)
            settled.append(row.name)
    return settled


def _in_hand(
    queues: Sequence[str], actors: Sequence[str]
) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Count what runs and what RabbitMQ holds, by ("queue" or "actor", name)."""
    running: Counter[tuple[str, str]] = Counter()
    published: Counter[tuple[str, str]] = Counter()
    if not queues and not actors:
        return running, published
    others = [name for name in settings.QUEUES if name not in queues]
    with connection.cursor() as cursor:
        cursor.execute(
            _IN_HAND,
            {"queues": list(queues), "actors": list(actors), "others": others},
        )
        for queue, actor, begun, held in cursor.fetchall():
            for place in (("queue", queue), ("actor", actor)):
                running[place] += begun
                published[place] += held
    return running, published


def _gate(row: Queue | Actor) -> Gate:
    return Gate(
        row.name,
        is_paused=row.is_paused,
        # Of actors there is no draining.
        draining_since=row.draining_since if isinstance(row, Queue) else None,
        rate_per_minute=row.rate_per_minute,
        concurrency=row.concurrency,
        next_slot_at=row.next_slot_at,
    )
