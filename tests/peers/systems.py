"""The two systems under test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import pika

from tests.peers.driving import ROOT
from tests.peers.journal import wait_until
from tests.peers.system import System
from tests.peers.wire import Wire


class PlainDramatiq(System):
    """Dramatiq and periodiq, as their documentation sets them up."""

    name = "plain Dramatiq"
    #: Everything it does here takes it less than half a second.
    patience = 1.5
    module = "tests.peers.plain"

    def _pool_command(
        self, queues: Sequence[str], processes: int, threads: int
    ) -> list[str]:
        return [
            *(sys.executable, "-m", "dramatiq", self.module),
            *(f"--processes={processes}", f"--threads={threads}"),
            *("--queues", *(self.queue(queue) for queue in queues)),
        ]

    def consumed(self, queue: str) -> Sequence[str]:
        """Return the queue of delayed messages too.

        One that was deleted is back after two of a consumer's restarts, and what is
        published until then is lost.
        """
        return [queue, f"{queue}.DQ"]

    def lose_the_movers_answer(self, name: str) -> None:
        """Cut off the workers, who move what is due, from all but publishing."""
        self.send_delayed("note", name, 700)
        self.workers_wire.hang_consumers()
        wait_until(lambda: self.journal.count("moved", name))

    def kill_the_mover(self) -> None:
        """Kill the workers."""
        self.pool.kill()
        self.workers_wire.come_back()
        self.revive()

    def send_delayed(self, actor: str, name: str, delay_ms: int) -> None:
        """Delayed messages wait in the memory of a worker."""
        super().send_delayed(actor, name, delay_ms)
        wait_until(lambda: self.journal.count("held", name))

    def forget_all(self) -> None:
        """Purge the queues, while nobody consumes them."""
        self.pool.kill()
        with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
            wait_until(lambda: self.consumers("default") == 0)
            for suffix in ("", ".DQ", ".XQ"):
                connection.channel().queue_purge(f"{self.queue('default')}{suffix}")

    def delete_delay_queue(self, queue: str) -> None:
        """Delete the queue for which retries are meant."""
        self._delete([f"{self.queue(queue)}.DQ"])

    def plan_in_an_outage(self) -> None:
        """Start periodiq, which has a run for every minute, at once too."""
        self.senders_wire.go_down()
        process = self._start(
            [sys.executable, "-m", "periodiq", self.module], self.senders_wire
        )
        self._processes.append(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(8)
        self.senders_wire.come_back()


class FlipTechPro(System):
    """The ledger."""

    name = "FlipTech Pro"
    #: Leases of three seconds have to run out, and what is lost is missed after two.
    patience = 10.0
    module = "tests.peers.ours"

    def start(self) -> None:
        """Make the tables first, and start the scheduler too."""
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=ROOT,
            env=self._environment(self.senders_wire),
            check=True,
        )
        self._scheduler = self._start_scheduler()
        super().start()

    def _environment(self, wire: Wire) -> Mapping[str, str]:
        return {
            **super()._environment(wire),
            "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
            "EXTRA_ACTOR_MODULES": self.module,
            "TASK_LEASE_SECONDS": "3",
            "TASK_MAX_RESCUES": "2",
        }

    def _pool_command(
        self, queues: Sequence[str], processes: int, threads: int
    ) -> list[str]:
        return [
            *(sys.executable, "manage.py", "workers"),
            *(f"--processes={processes}", f"--threads={threads}"),
            f"--queues={','.join(queues)}",
        ]

    def _start_scheduler(self) -> subprocess.Popen[bytes]:
        process = self._start(
            [sys.executable, "manage.py", "scheduler"], self.senders_wire
        )
        self._processes.append(process)
        return process

    def lose_the_movers_answer(self, name: str) -> None:
        """Keep RabbitMQ's confirms from the scheduler, which moves what is due."""
        self.send("note", name, delay_ms=700)
        self.senders_wire.hang_confirms()
        self.wait_until_ran(name)

    def kill_the_mover(self) -> None:
        """Kill the scheduler."""
        self._scheduler.kill()
        self._scheduler.wait()
        self.senders_wire.come_back()
        self._scheduler = self._start_scheduler()

    def delete_delay_queue(self, queue: str) -> None:
        """Delete the queue for which retries are meant: here there is but one."""
        self.delete_main_queue(queue)

    def plan_in_an_outage(self) -> None:
        """Let the scheduler's next look find a run that is due."""
        self.senders_wire.go_down()
        self.call("plan_after_downtime", actor="periodic_in_an_outage")
        self.senders_wire.come_back()
