"""A system under test, as a test handles it: what both have in common.

Each has a database, queues and processes of its own, and two wires to RabbitMQ: one for
the workers, one for all else. A test sends, disturbs, and reads the journal.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pika

from tests.peers import driving
from tests.peers.database import Database
from tests.peers.driving import ROOT, Driver
from tests.peers.journal import Journal, comes_true, wait_until
from tests.peers.pools import Pool
from tests.peers.wire import Wire

#: The queues of the main pool, and all that actors have.
SERVED = ("default", "scraper")
QUEUES = (*SERVED, "demo", "ai", "email")


class System:
    """One system: what both have in common."""

    name: str
    module: str
    #: Seconds within which this system has done what it is going to do.
    patience: float

    def __init__(
        self, folder: Path, database: Database, rabbitmq_url: str, wires: Sequence[Wire]
    ) -> None:
        self.journal = Journal(folder)
        self.database = database
        self.workers_wire, self.senders_wire = wires
        self._url = rabbitmq_url
        self._prefix = f"test-peers-{uuid.uuid4().hex[:8]}."
        self._folder = folder
        self._pools: list[Pool] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._drivers: list[Driver] = []
        self._log = (folder / "log").open("ab")

    def start(self) -> None:
        """Start the driver and the main pool; `stop` has to be called whatever happens."""
        self._start_driver()
        self.pool = self.start_pool()
        self.wait_for_workers("default")

    # --- processes ------------------------------------------------------------------

    def start_pool(self, *queues: str, processes: int = 1, threads: int = 4) -> Pool:
        """Start a pool; by default one like the main one."""
        served = queues or SERVED
        process = self._start(
            self._pool_command(served, processes, threads), self.workers_wire
        )
        pool = Pool(process, served, processes)
        self._pools.append(pool)
        return pool

    def wait_for_boot(self, pool: Pool) -> None:
        """Wait until every process of a new pool works."""
        wait_until(lambda: self.journal.count("booted", str(pool.pid)) >= pool.size)

    def wait_for_workers(self, queue: str) -> None:
        """Wait until all pools that live consume `queue`, and none that is dead.

        For queues whose workers have nothing to do: a busy process may not consume.
        """
        wanted = sum(
            pool.size for pool in self._pools if pool.is_alive and queue in pool.queues
        )
        names = self.consumed(queue)
        wait_until(lambda: all(self.consumers(name) == wanted for name in names))

    def consumed(self, queue: str) -> Sequence[str]:
        """Return the queues of RabbitMQ that the workers of `queue` consume."""
        return [queue]

    def revive(self, *, is_awaited: bool = True) -> None:
        """Start the main pool again if it has ended, as systemd would."""
        if not self.pool.is_alive:
            self.pool = self.start_pool()
            if is_awaited:
                self.wait_for_boot(self.pool)

    def stop(self) -> None:
        """End everything that was started, and delete the queues; once."""
        if self._log.closed:
            return
        for pool in self._pools:
            if pool.is_alive:
                pool.kill()
        for process in self._processes:
            process.kill()
            process.wait()
        for driver in self._drivers:
            driver.stop()
        self._log.close()
        for queue in QUEUES:
            self.delete_queue(queue)

    def _pool_command(
        self, queues: Sequence[str], processes: int, threads: int
    ) -> list[str]:
        raise NotImplementedError

    def _environment(self, wire: Wire) -> Mapping[str, str]:
        parts = urlsplit(self._url)
        login = parts.netloc.rpartition("@")[0]
        return {
            **os.environ,
            "PEER_FOLDER": str(self._folder),
            "PEER_MODULE": self.module,
            "PEER_DATABASE_URL": self.database.url,
            "PEER_DIRECT_URL": self._url,
            "DATABASE_URL": self.database.url,
            "RABBITMQ_URL": urlunsplit(
                parts._replace(netloc=f"{login}@127.0.0.1:{wire.port}")
            ),
            "RABBITMQ_QUEUE_PREFIX": self._prefix,
            # Both take up a lost connection again sooner than by default.
            "dramatiq_restart_delay": "1000",
            "dramatiq_dead_message_ttl": "1000",
        }

    def _start(self, command: Sequence[str], wire: Wire) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self._environment(wire),
            stdout=self._log,
            stderr=self._log,
        )

    def _start_driver(self) -> None:
        environment = self._environment(self.senders_wire)
        self._drivers.append(Driver(self.module, environment, self._log))

    @property
    def _driver(self) -> Driver:
        return self._drivers[-1]

    # --- calls ------------------------------------------------------------------------

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a function of the driver; raises driving.Refused when that raised."""
        return self._driver.call(function, **arguments)

    def begin(self, function: str, **arguments: Any) -> None:
        """Start a call whose answer `end` waits for."""
        self._driver.begin(function, **arguments)

    def end(self) -> None:
        """Wait for the answer of the call that was begun."""
        self._driver.answer()

    def try_to(self, function: str, **arguments: Any) -> bool:
        """Call a function and return whether it was done."""
        try:
            self._driver.call(function, **arguments)
        except driving.Refused:
            return False
        except driving.Died:
            self._start_driver()
            return False
        return True

    def send(self, actor: str, name: str, **arguments: Any) -> str:
        """Enqueue a task and return its id."""
        return str(self.call("send", actor=actor, name=name, **arguments))

    def send_delayed(self, actor: str, name: str, delay_ms: int) -> None:
        """Enqueue a task for later and return when it is where such tasks wait."""
        self.send(actor, name, delay_ms=delay_ms)

    def begin_task(self, actor: str, name: str, **arguments: Any) -> str:
        """Enqueue a task and wait until it runs; return its id."""
        task_id = self.send(actor, name, **arguments)
        wait_until(lambda: self.journal.count("began", name) >= 1)
        return task_id

    # --- looking --------------------------------------------------------------------------

    def soon(self, condition: Callable[[], object]) -> bool:
        """Return whether `condition` comes true in the time that this system needs."""
        return comes_true(condition, self.patience)

    def runs(self, name: str) -> bool:
        """Return whether a task comes to the end of its body soon."""
        return self.soon(lambda: self.journal.count("ran", name))

    def wait_until_ran(self, name: str) -> None:
        """Wait until a task has come to the end of its body."""
        wait_until(lambda: self.journal.count("ran", name))

    def wait_until_over(self, name: str) -> None:
        """Wait until the system has drawn its conclusions from a run."""
        wait_until(lambda: self.call("is_over", name=name))

    # --- the mover of delayed tasks ------------------------------------------------------

    def kill_the_mover(self) -> None:
        """Kill -9 that process, and start another."""
        raise NotImplementedError

    def lose_the_movers_answer(self, name: str) -> None:
        """Let a delayed `note` be moved, and nobody hear that it was."""
        raise NotImplementedError

    def plan_in_an_outage(self) -> None:
        """Let a planned time come while RabbitMQ can't be reached."""
        raise NotImplementedError

    def forget_all(self) -> None:
        """Drop what would go on for ever, or till tomorrow."""

    # --- queues ---------------------------------------------------------------------------

    def consumers(self, queue: str) -> int:
        """Return how many consumers a queue has."""
        return self._ask(self.queue(queue))[0]

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        return self._ask(self.queue(queue))[1]

    def delete_queue(self, queue: str) -> None:
        """Delete a queue with all that belongs to it."""
        self._delete(f"{self.queue(queue)}{suffix}" for suffix in ("", ".DQ", ".XQ"))

    def delete_main_queue(self, queue: str) -> None:
        """Delete the queue from which workers take what may run now."""
        self._delete([self.queue(queue)])

    def delete_delay_queue(self, queue: str) -> None:
        """Delete the queue for which retries are meant."""
        raise NotImplementedError

    def declare_plainly(self, queue: str) -> None:
        """Declare a queue as a Dramatiq without priorities does."""
        with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
            channel = connection.channel()
            channel.queue_delete(self.queue(queue))
            channel.queue_declare(self.queue(queue), durable=True)

    def queue(self, queue: str) -> str:
        """Return the name by which RabbitMQ knows a queue."""
        return f"{self._prefix}{queue}"

    def _delete(self, names: Any) -> None:
        with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
            channel = connection.channel()
            for name in names:
                channel.queue_delete(name)

    def _ask(self, name: str) -> tuple[int, int]:
        with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
            try:
                answer = connection.channel().queue_declare(name, passive=True).method
            except pika.exceptions.ChannelClosedByBroker:
                return 0, 0
        return answer.consumer_count, answer.message_count
