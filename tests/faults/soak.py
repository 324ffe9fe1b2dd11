"""A soak: all kinds of work at once, while dice decide what is struck, and when."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
import psycopg

from tests.faults.account import AT_LEAST_ONE, EXACTLY_ONE, NONE, Account, settle
from tests.faults.ground import Ground, wait_until
from tests.peers.driving import Died, Refused

#: Kind of work -> its promise, and how often it is chosen.
KINDS: dict[str, tuple[str, int]] = {
    "fenced": (EXACTLY_ONE, 8),
    "retried": (EXACTLY_ONE, 3),
    "delayed": (EXACTLY_ONE, 3),
    "unique": (EXACTLY_ONE, 2),
    "periodic": (EXACTLY_ONE, 1),
    "unfenced": (AT_LEAST_ONE, 3),
    "hopeless": (NONE, 1),
}
#: Tasks enqueued in one call, while fewer than so many are unfinished: the workers are
#: always busy, and all can be done when the strikes are over.
BATCH = 40
BACKLOG = 160
#: Seconds that a stalled worker stands still: longer than its leases.
STALL_SECONDS = 4.5
#: Everything is done within so many seconds after the last strike: leases run out, a
#: node starts, retries with their pauses are due.
QUIET_SECONDS = 180.0


class Soak:
    """One soak on one installation."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self._ground = ground
        self._seed = seed
        self._dice = random.Random(seed)
        self._strikes: Counter[str] = Counter()
        self._acknowledged: list[str] = []
        self._count = 0
        self._stalled: list[tuple[float, psutil.Process]] = []
        self._is_down_until = 0.0
        #: What is struck -> how, and how often it is chosen.
        self._ways: dict[str, tuple[Callable[[], object], int]] = {
            "worker killed": (self._kill_a_worker, 8),
            "worker stalled": (self._stall_a_worker, 3),
            "supervisor killed": (lambda: self._kill_one("workers"), 2),
            "supervisor stopped": (lambda: self._stop_one("workers"), 1),
            "scheduler killed": (lambda: self._kill_one("scheduler"), 4),
            "both schedulers killed": (lambda: ground.kill("scheduler"), 1),
            "sender killed": (ground.kill_sender, 2),
            "sessions cut": (self._cut_sessions, 4),
            "connections cut": (ground.wire.cut, 3),
            "RabbitMQ killed": (self._kill_rabbitmq, 1),
        }

    def run(self, seconds: float) -> Account:
        """Strike for so many seconds, then wait until all is quiet, and account."""
        end = time.monotonic() + seconds
        strike_at = time.monotonic() + 1.0
        while time.monotonic() < end:
            self._feed()
            self._tend()
            if time.monotonic() >= strike_at:
                self._strike()
                strike_at = time.monotonic() + self._dice.uniform(0.4, 2.5)
            time.sleep(0.2)
        quiet_from = time.monotonic()
        self._is_down_until = 0.0
        with suppress(TimeoutError):
            wait_until(self._is_quiet, QUIET_SECONDS)
        promises = {kind: promise for kind, (promise, _) in KINDS.items()}
        return Account(
            seed=self._seed,
            lines=settle(self._ground, promises, self._acknowledged),
            strikes=self._strikes,
            seconds=seconds,
            quiet_after=time.monotonic() - quiet_from,
        )

    # --- work -------------------------------------------------------------------------

    def _feed(self) -> None:
        """Enqueue a batch; a call that does not return may have been done or not."""
        if self._unfinished() > BACKLOG:
            return
        kinds = [*KINDS]
        weights = [weight for _, weight in KINDS.values()]
        orders = []
        for kind in self._dice.choices(kinds, weights, k=BATCH):
            self._count += 1
            orders.append(self._order(kind))
        with suppress(Refused, Died, BrokenPipeError):
            self._acknowledged += self._ground.sender.call("send_all", orders=orders)

    def _order(self, kind: str) -> dict[str, Any]:
        return {
            "kind": kind,
            "name": f"{kind} {self._count}",
            "seconds": round(self._dice.uniform(0.0, 0.4), 3),
            "delay_seconds": round(self._dice.uniform(0.2, 4.0), 3),
            "priority": self._dice.randint(0, 10),
            "key": str(self._dice.randint(1, 5)),
        }

    # --- strikes ------------------------------------------------------------------------

    def _strike(self) -> None:
        ways = [*self._ways]
        weights = [weight for _, weight in self._ways.values()]
        (way,) = self._dice.choices(ways, weights)
        act, _ = self._ways[way]
        self._strikes[way] += 1
        act()

    def _workers(self) -> list[psutil.Process]:
        return [
            child
            for supervisor in self._ground.processes("workers")
            if supervisor.poll() is None
            for child in psutil.Process(supervisor.pid).children()
        ]

    def _kill_a_worker(self) -> None:
        if workers := self._workers():
            with suppress(psutil.NoSuchProcess):
                self._dice.choice(workers).kill()

    def _stall_a_worker(self) -> None:
        """Let a worker stand still until others have its tasks, and then go on."""
        if workers := self._workers():
            worker = self._dice.choice(workers)
            with suppress(psutil.NoSuchProcess):
                worker.suspend()
                self._stalled.append((time.monotonic() + STALL_SECONDS, worker))

    def _kill_one(self, kind: str) -> None:
        victim = self._dice.choice(self._ground.processes(kind))
        victim.kill()
        victim.wait()

    def _stop_one(self, kind: str) -> None:
        self._dice.choice(self._ground.processes(kind)).send_signal(signal.SIGTERM)

    def _cut_sessions(self) -> None:
        """End a random half of the sessions."""
        with psycopg.connect(self._ground.database.url, autocommit=True) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
            for (pid,) in self._dice.sample(pids, len(pids) // 2):
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])

    def _kill_rabbitmq(self) -> None:
        if self._ground.node.is_up():
            self._ground.node.kill()
            self._is_down_until = time.monotonic() + self._dice.uniform(0.0, 3.0)

    # --- going on -------------------------------------------------------------------------

    def _tend(self) -> None:
        self._ground.tend()
        for wake_at, worker in list(self._stalled):
            if time.monotonic() >= wake_at:
                self._stalled.remove((wake_at, worker))
                with suppress(psutil.NoSuchProcess):
                    worker.resume()
        if time.monotonic() >= self._is_down_until:
            self._ground.node.tend()

    def _is_quiet(self) -> bool:
        self._tend()
        if self._stalled:
            return False
        ((overdue,),) = self._ground.rows(
            "SELECT count(*) FROM tasks_schedule WHERE next_run_at <= now()"
        )
        return not overdue and not self._unfinished()

    def _unfinished(self) -> int:
        ((count,),) = self._ground.rows(
            "SELECT count(*) FROM tasks_task"
            " WHERE kwargs ? 'name' AND state IN ('scheduled', 'queued', 'running')"
        )
        return int(count)


def seed_from_environment() -> int:
    """Return FAULT_SEED, or a seed of its own."""
    return int(os.environ.get("FAULT_SEED") or random.randrange(10**6))
