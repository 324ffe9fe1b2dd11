"""Worker processes under one parent, to be killed in parts or altogether."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

import psutil

#: Seconds of a worker's life after SIGTERM; then it is killed, as systemd does.
STOP_SECONDS = 2.0


def is_any_alive(processes: Sequence[psutil.Process]) -> bool:
    """Return whether any of these processes lives."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            # Nobody may be there to bury an orphan.
            if process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


class Pool:
    """Worker processes under one parent."""

    def __init__(
        self, process: subprocess.Popen[bytes], queues: Sequence[str], size: int
    ) -> None:
        self._process = process
        self.pid = process.pid
        self.queues = queues
        self.size = size

    @property
    def is_alive(self) -> bool:
        """Whether the parent lives."""
        return self._process.poll() is None

    def children(self) -> list[psutil.Process]:
        """Return the processes that work, without those that only help."""
        with suppress(psutil.NoSuchProcess):
            return [
                child
                for child in psutil.Process(self._process.pid).children()
                if child.status() != psutil.STATUS_ZOMBIE
                and "resource_tracker" not in " ".join(child.cmdline())
            ]
        return []

    def terminate(self) -> None:
        """Ask it to stop in good order, and kill it when it does not."""
        children = self.children()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._kill([*children, *self.children()])

    def kill(self) -> None:
        """Kill -9 the parent and all its children at once."""
        self._kill(self.children())

    def kill_the_parent(self) -> None:
        """Kill -9 the parent alone."""
        self._process.kill()
        self._process.wait()

    def _kill(self, children: Sequence[psutil.Process]) -> None:
        if self.is_alive:
            # First, so that it starts no other.
            self._process.send_signal(signal.SIGSTOP)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.kill()
        self._process.wait()
