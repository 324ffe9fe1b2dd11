"""What a gate lets through: values in, values out; `tasks.gating` asks and obeys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Slots of an unlimited queue: more than anybody asks for at once.
UNLIMITED = 1_000_000
#: A rate may be used up in bursts of so many seconds.
BURST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Gate:
    """What a queue or an actor lets through; see `tasks.steering`."""

    name: str
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
