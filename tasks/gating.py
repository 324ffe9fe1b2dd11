"""Gates of the queues: pause, drain, rate and concurrency, changed while all runs.

A queue without a row, or with nothing set on it, is open. Workers look once a second
whether all are; then claims cost nothing more. While any is shut, the claim asks in its own
statement whether its queue is, and only where it is, the slower way here is gone, which
locks the queue's row and lets so many through as it may. What is refused goes back to `scheduled`, unburnt, and the relay brings it again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from tasks.models import Queue, Task
from tasks.states import UNFINISHED, State

#: Slots of an unlimited queue: more than anybody asks for at once.
UNLIMITED = 1_000_000
#: Seconds between two looks of a worker, or of a handover, at the gates.
WATCH_SECONDS = 1.0
#: A rate may be used up in bursts of so many seconds.
BURST_SECONDS = 1.0

#: What has begun, and what RabbitMQ holds, in each limited queue.
_IN_HAND = """
SELECT queue, count(*) FILTER (WHERE state = 'running'),
    count(*) FILTER (WHERE state = 'queued')
FROM tasks_task
WHERE queue = ANY(%s)
    AND (state = 'running' OR (state = 'queued' AND published_at IS NOT NULL))
GROUP BY queue
"""

#: `state || ''`: see tasks.claiming.
_ASKED = """
SELECT id, queue, created_at FROM tasks_task
WHERE id = ANY(%s) AND state || '' = 'queued' ORDER BY priority DESC, id
"""

_HOLD = """
UPDATE tasks_task SET state = 'scheduled', published_at = NULL
WHERE id = ANY(%s) AND state || '' = 'queued'
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a queue lets through; see `tasks.models.Queue`."""

    queue: str
    is_paused: bool = False
    draining_since: datetime | None = None
    rate_per_minute: int | None = None
    concurrency: int | None = None
    #: GCRA: when the next slot of the rate would come in a steady stream.
    next_slot_at: datetime | None = None

    @property
    def is_limited(self) -> bool:
        """Whether it counts what it lets through."""
        return self.rate_per_minute is not None or self.concurrency is not None

    @property
    def is_open(self) -> bool:
        """Whether it lets everything through."""
        return not (self.is_paused or self.draining_since or self.is_limited)

    def holds(self, created_at: datetime) -> bool:
        """Whether a task of this age has to wait for `resume`."""
        if self.is_paused:
            return True
        return self.draining_since is not None and created_at > self.draining_since


def free_slots(gate: Gate, *, running: int, now: datetime) -> int:
    """Return how many tasks may begin now, from 0 to `UNLIMITED`."""
    if gate.is_paused:
        return 0
    slots = UNLIMITED
    if gate.concurrency is not None:
        slots = max(gate.concurrency - running, 0)
    if gate.rate_per_minute is not None:
        slots = min(slots, _slots_by_rate(gate, now))
    return slots


def _slots_by_rate(gate: Gate, now: datetime) -> int:
    assert gate.rate_per_minute is not None
    interval = 60.0 / gate.rate_per_minute
    burst = max(1, int(BURST_SECONDS / interval))
    ahead = max(((gate.next_slot_at or now) - now).total_seconds(), 0.0)
    # Rounded up a little: 1.0 s is 0.9999999 s to a float.
    return max(int(burst - ahead / interval + 1e-6), 0)


def next_slot_after(gate: Gate, count: int, now: datetime) -> datetime | None:
    """Return the gate's `next_slot_at` after `count` tasks have begun at `now`."""
    if gate.rate_per_minute is None:
        return None
    start = max(gate.next_slot_at or now, now)
    return start + timedelta(seconds=60.0 / gate.rate_per_minute * count)


def gates(names: Iterable[str] | None = None) -> dict[str, Gate]:
    """Return the gate of each queue named, of all that settings know by default."""
    wanted = list(settings.QUEUES if names is None else names)
    rows = Queue.objects.filter(name__in=wanted)
    return {name: Gate(name) for name in wanted} | {r.name: _gate(r) for r in rows}


def shut_queues() -> frozenset[str]:
    """Return the queues whose tasks the relay alone may publish."""
    return frozenset(name for name, gate in gates().items() if not gate.is_open)


class Watch:
    """Which queues are shut, looked up once a second; not for several threads."""

    def __init__(self) -> None:
        self._shut: frozenset[str] = frozenset()
        self._looked_at = float("-inf")

    def shut(self) -> frozenset[str]:
        """Return them as they were at most `WATCH_SECONDS` ago."""
        now = time.monotonic()
        if now - self._looked_at > WATCH_SECONDS:
            self._shut, self._looked_at = shut_queues(), now
        return self._shut


def free_room(wanted: Iterable[Gate], now: datetime) -> dict[str, int]:
    """Return how many more messages RabbitMQ should hold for each gate's queue."""
    gates_by_name = {gate.queue: gate for gate in wanted}
    limited = [name for name, gate in gates_by_name.items() if gate.is_limited]
    in_hand = _in_hand(limited) if limited else {}
    room = {}
    for name, gate in gates_by_name.items():
        running, published = in_hand.get(name, (0, 0))
        room[name] = max(free_slots(gate, running=running, now=now) - published, 0)
    return room


def admit(task_ids: Sequence[UUID]) -> list[UUID]:
    """Return those queued tasks that may begin now, and hold the others.

    Call it in a transaction and claim in the same one: the queues' rows stay locked, so
    that two workers can't both take the last slot.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, [list(task_ids)])
        asked = cursor.fetchall()
    if not asked:
        return []
    names = {queue for _, queue, _ in asked}
    locked = Queue.objects.select_for_update().filter(name__in=names).order_by("name")
    known = {row.name: _gate(row) for row in locked}
    admitted: list[UUID] = []
    for name in sorted(names):
        waiting = [(row[0], row[2]) for row in asked if row[1] == name]
        admitted += _admit_at(known.get(name, Gate(name)), waiting)
    refused = sorted({row[0] for row in asked}.difference(admitted))
    if refused:
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, [refused])
    return admitted


def _admit_at(gate: Gate, waiting: Sequence[tuple[UUID, datetime]]) -> list[UUID]:
    able = [task_id for task_id, created_at in waiting if not gate.holds(created_at)]
    if not able or not gate.is_limited:
        return able
    now = datetime.now(UTC)
    running = Task.objects.filter(state=State.RUNNING, queue=gate.queue).count()
    able = able[: free_slots(gate, running=running, now=now)]
    if able and gate.rate_per_minute is not None:
        Queue.objects.filter(name=gate.queue).update(
            next_slot_at=next_slot_after(gate, len(able), now)
        )
    return able


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


def _in_hand(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_IN_HAND, [list(names)])
        return {queue: (running, queued) for queue, running, queued in cursor}


def _gate(row: Queue) -> Gate:
    values: dict[str, Any] = {
        name: getattr(row, name) for name in Gate.__slots__ if name != "queue"
    }
    return Gate(row.name, **values)
