"""An installation to strike at: a database, a RabbitMQ node and all processes of its own.

Whatever is killed here is started again by `tend`, as systemd would. What the tasks did
is read from the database alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from django.conf import settings
from psycopg.rows import tuple_row

from tests.faults.node import ROOT, PrivateRabbitMQ
from tests.peers.database import Database
from tests.peers.driving import Driver
from tests.peers.wire import Wire

#: Seconds that anything which has to happen may take.
PATIENCE = 90.0


class Ground:
    """The processes of one installation; `stop` ends them and drops the database."""

    def __init__(
        self, folder: Path, *, sender: str = "tests.faults.trial", **environment: str
    ) -> None:
        """`sender` is the sender's module; `environment` goes to every process."""
        self._sender = sender
        self._extra = environment
        self.folder = folder
        self.node = PrivateRabbitMQ(folder)
        address = urlsplit(self.node.address)
        #: The line to RabbitMQ of every process.
        self.wire = Wire(str(address.hostname), int(address.port or 0))
        self._url = urlunsplit(
            address._replace(
                netloc=f"{address.netloc.rpartition('@')[0]}@127.0.0.1:{self.wire.port}"
            )
        )
        self.database = Database(settings.DATABASE_URL)
        self._programs: dict[str, tuple[str, ...]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._drivers: list[Driver] = []
        self._log = (folder / "processes.log").open("ab")

    # --- life -----------------------------------------------------------------------

    def start(self, *pools: tuple[str, ...]) -> None:
        """Start two schedulers, a sender, and a pool by each of these arguments."""
        self.wire.__enter__()
        self.node.make_ready()
        self._environment = self._make_environment()
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=ROOT,
            env=self._environment,
            check=True,
        )
        self._programs = {
            "scheduler 1": ("scheduler",),
            "scheduler 2": ("scheduler",),
            **{
                f"workers {number}": ("workers", *arguments)
                for number, arguments in enumerate(pools, start=1)
            },
        }
        self.start_sender()
        self.tend()

    def stop(self) -> None:
        """End everything that was started and drop the database."""
        for process in self._processes.values():
            _kill_tree(process)
        for driver in self._drivers:
            driver.stop()
        self._log.close()
        self.wire.__exit__()
        self.node.end()
        self.database.drop()

    def tend(self) -> None:
        """Start what has died."""
        for name, arguments in self._programs.items():
            process = self._processes.get(name)
            if process is None or process.poll() is not None:
                self._processes[name] = self.run_beside(*arguments)

    def run_beside(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `manage.py …`, which the caller has to end."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
        )

    def _make_environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
            "DATABASE_URL": self.database.url,
            "RABBITMQ_URL": self._url,
            "RABBITMQ_QUEUE_PREFIX": "faults.",
            "EXTRA_ACTOR_MODULES": "tests.faults.trial",
            "TASK_LEASE_SECONDS": "3",
            "FAULT_FOLDER": str(self.folder),
            **self._extra,
        }

    # --- the sender -------------------------------------------------------------------

    def start_sender(self) -> None:
        """Start the process that enqueues."""
        self._drivers.append(Driver(self._sender, self._environment, self._log))

    @property
    def sender(self) -> Driver:
        """The process that enqueues now."""
        return self._drivers[-1]

    # --- strikes ------------------------------------------------------------------------

    def processes(self, kind: str) -> list[subprocess.Popen[bytes]]:
        """Return the processes whose names begin like this."""
        return [one for name, one in self._processes.items() if name.startswith(kind)]

    def kill_workers(self) -> list[int]:
        """Kill -9 all worker processes, not their supervisors; return their pids."""
        killed = []
        for supervisor in self.processes("workers"):
            for child in _children(supervisor):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
                    killed.append(child.pid)
        return killed

    def kill(self, kind: str) -> None:
        """Kill -9 the processes whose names begin like this, and bury them."""
        for process in self.processes(kind):
            process.kill()
            process.wait()

    def kill_sender(self) -> None:
        """Kill -9 the sender, and start another."""
        self.sender.stop()
        self.start_sender()

    # --- looking ----------------------------------------------------------------------

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.database.url, row_factory=tuple_row) as connection:
            return connection.execute(query, parameters).fetchall()

    def log(self) -> str:
        """Return the end of what the processes printed."""
        return (self.folder / "processes.log").read_text(errors="replace")[-6000:]


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for what has to happen; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"This did not come true within {seconds} s.")
        time.sleep(0.02)


def _children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children()
    return []


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    # First, so that it starts no other.
    process.send_signal(signal.SIGSTOP)
    for child in _children(process):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    process.kill()
    process.wait()
