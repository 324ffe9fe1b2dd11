"""How drivers learn what happens in worker processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

#: Between two tasks whose wait is measured, so that worker and servers are idle again.
IDLE_SECONDS = 0.03
#: No measured step takes longer; a peer that does is stuck.
STUCK_SECONDS = 120.0


def wait_until(
    is_true: Callable[[], bool],
    check: Callable[[], None] = lambda: None,
    pause_seconds: float = 0.02,
    stuck_seconds: float = STUCK_SECONDS,
) -> None:
    """Poll until it is true; raises TimeoutError when that never comes.

    `check` is called between polls and raises when waiting is in vain.
    """
    deadline = time.monotonic() + stuck_seconds
    while not is_true():
        check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"Nothing came of it within {stuck_seconds:.0f} s.")
        time.sleep(pause_seconds)


class NotesFile:
    """Numbers that workers, of several threads or processes, leave for the driver."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def clear(self) -> None:
        """Forget all notes."""
        self._path.write_bytes(b"")

    def write(self, value: float) -> None:
        """Add a note; one small O_APPEND write is never torn by another."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, f"{value!r}\n".encode())
        finally:
            os.close(file)

    def read(self) -> list[float]:
        """Return all notes in the order in which they were written."""
        return [float(line) for line in self._path.read_text().splitlines()]
