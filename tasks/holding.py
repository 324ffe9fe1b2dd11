"""What one worker process has in hand: claims taken ahead, running, or being ended.

A process claims what its threads can begin at once, and of short tasks a little more:
as many as it would begin within `AHEAD_SECONDS` at its present pace, so that one
statement claims a whole group. Long tasks are never taken ahead, and what has waited
here too long, because the pace broke, goes back to the others.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from uuid import UUID

from dramatiq.middleware.threading import raise_thread_exception

from tasks.current import Claim

#: Claims may be taken ahead for so many seconds of work, and never more than so many.
AHEAD_SECONDS = 0.03
AHEAD_AT_MOST = 96
#: Seconds after which a claim that was taken ahead and not begun goes back.
STALE_SECONDS = 0.5
#: Seconds over which the pace is measured.
PACE_SECONDS = 0.1


class Pace:
    """How many runs end per second, by the last tenths of a second; not thread-safe."""

    def __init__(self) -> None:
        self._began_at = time.monotonic()
        self._count = 0
        self._per_second = 0.0

    def count(self, now: float) -> None:
        """Count one end."""
        self._count += 1
        self._settle(now)

    def per_second(self, now: float) -> float:
        """Return the pace; 0.0 after a pause."""
        self._settle(now)
        return self._per_second

    def _settle(self, now: float) -> None:
        passed = now - self._began_at
        if passed >= PACE_SECONDS:
            measured = self._count / passed
            # After a pause only what is measured now counts.
            is_fresh = passed < PACE_SECONDS * 3
            self._per_second = (
                (self._per_second + measured) / 2 if is_fresh else measured
            )
            self._began_at, self._count = now, 0


class Holding:
    """The claims of this process, from the claim to the committed end."""

    def __init__(self) -> None:
        self.threads = 1
        self.finished_count = 0
        # A plain lock: an interrupt can't strike between taking it and the block, as it
        # can inside a condition's own methods, which are Python.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        #: Claimed and not begun, the oldest first, with the time of the claim.
        self._ahead: OrderedDict[UUID, tuple[Claim, float]] = OrderedDict()
        self._running: dict[int, Claim] = {}
        #: Threads whose body has ended: nothing may strike the finish.
        self._protected: set[int] = set()
        self._ending: dict[UUID, Claim] = {}
        self._reserved = 0
        #: Callers of `reserve` who wait, by rank.
        self._asking: Counter[int] = Counter()
        self._pace = Pace()

    # --- room for more ------------------------------------------------------------

    def reserve(self, wanted: int, *, rank: int, seconds: float) -> int:
        """Reserve room for at most `wanted` claims, waiting up to `seconds`; 0 if none.

        Nobody is served while one of a higher rank waits. Follow it by `take_in`.
        """
        deadline = time.monotonic() + seconds
        with self._lock:
            self._asking[rank] += 1
            try:
                while not (room := self._room(rank)):
                    if not self._changed.wait(deadline - time.monotonic()):
                        return 0
                granted = min(wanted, room)
                self._reserved += granted
                return granted
            finally:
                self._asking[rank] -= 1
                self._changed.notify_all()

    def per_second(self) -> float:
        """Return how many runs end per second at present."""
        with self._lock:
            return self._pace.per_second(time.monotonic())

    def has_room(self) -> bool:
        """Return whether a thread is free."""
        with self._lock:
            return self._free_threads() > 0

    def _free_threads(self) -> int:
        return self.threads - len(self._running) - len(self._ahead) - self._reserved

    def _room(self, rank: int) -> int:
        if any(count and other > rank for other, count in self._asking.items()):
            return 0
        pace = self._pace.per_second(time.monotonic())
        ahead = min(int(pace * AHEAD_SECONDS), AHEAD_AT_MOST)
        # Half of it is worked off first, so that groups stay large.
        if ahead and self._reserved + len(self._ahead) > ahead // 2:
            return 0
        return max(self._free_threads() + ahead, 0)

    # --- the life of a claim ------------------------------------------------------

    def take_in(self, claims: Iterable[Claim], *, reserved: int) -> None:
        """Keep new claims, which wait for a thread, in place of what was reserved."""
        now = time.monotonic()
        with self._lock:
            self._reserved -= reserved
            self._ahead.update((held.task_id, (held, now)) for held in claims)
            if self._asking:
                self._changed.notify_all()

    def begin(self, held: Claim) -> bool:
        """Bind a claim to the calling thread; False when it was given back meanwhile."""
        with self._lock:
            kept, _ = self._ahead.get(held.task_id, (None, 0.0))
            if kept is not held:
                return False
            del self._ahead[held.task_id]
            self._running[threading.get_ident()] = held
            return True

    def keep_to_the_end(self, held: Claim) -> None:
        """Keep the lease of the calling thread's claim until `forget`."""
        with self._lock:
            self._ending[held.task_id] = held

    def free_thread(self) -> None:
        """Let the calling thread begin another claim."""
        thread_id = threading.get_ident()
        with self._lock:
            self._running.pop(thread_id, None)
            self._protected.discard(thread_id)
            self.finished_count += 1
            self._pace.count(time.monotonic())
            if self._asking:
                self._changed.notify_all()

    def forget(self, claims: Iterable[Claim]) -> None:
        """Drop claims whose end is committed, or can't be."""
        with self._lock:
            for held in claims:
                if self._ending.get(held.task_id) is held:
                    del self._ending[held.task_id]

    def drop_ahead(
        self, *, older_than_seconds: float = 0.0, only: Iterable[UUID] | None = None
    ) -> list[Claim]:
        """Stop keeping claims that wait for a thread, and return them."""
        before = time.monotonic() - older_than_seconds
        with self._lock:
            chosen = list(self._ahead) if only is None else list(only)
            dropped = [
                kept[0]
                for task_id in chosen
                if (kept := self._ahead.get(task_id)) and kept[1] <= before
            ]
            for held in dropped:
                del self._ahead[held.task_id]
            if dropped:
                self._changed.notify_all()
        return dropped

    # --- looking, and striking ------------------------------------------------------

    def running(self) -> dict[int, Claim]:
        """Return the claims that run now, by thread id."""
        with self._lock:
            return dict(self._running)

    def everything(self) -> Sequence[Claim]:
        """Return all claims whose lease this process has to keep."""
        with self._lock:
            ahead = {task_id: held for task_id, (held, _) in self._ahead.items()}
            running = {held.task_id: held for held in self._running.values()}
            return list((self._ending | ahead | running).values())

    def interrupt(
        self, thread_id: int, held: Claim, error: type[BaseException]
    ) -> bool:
        """Raise `error` in the thread while the body of this very claim runs in it."""
        with self._lock:
            is_its_own = self._running.get(thread_id) is held
            if not is_its_own or thread_id in self._protected:
                return False
            raise_thread_exception(thread_id, error)
            # Its sub-processes are ended then, which may be what it waits for.
            held.stop.struck_at = time.monotonic()
            return True

    def protect(self) -> bool:
        """Let no interrupt strike the calling thread any more; False if it was so."""
        thread_id = threading.get_ident()
        if thread_id in self._protected:
            return False
        with self._lock:
            self._protected.add(thread_id)
        return True
