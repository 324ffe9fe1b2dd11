"""What the trial actors of both systems leave behind: lines in one file, and gates.

A line is written by one `write` to a file opened for appending, so it is whole, in order
and there even when its writer is killed right after it. A gate is a file that appears
when a test opens it; an actor that stands before one waits for nothing else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

#: Seconds that an actor waits at a gate which nobody opens.
GATE_SECONDS = 60.0
LOOK_SECONDS = 0.01


class NotInTime(Exception):
    """Raised when what a test needs did not come about; never counts as its claim."""


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for what a test needs; raises NotInTime."""
    if not comes_true(condition, seconds):
        raise NotInTime(f"{condition} did not come true within {seconds} s.")


def comes_true(condition: Callable[[], object], seconds: float) -> bool:
    """Return whether `condition` comes true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


class Journal:
    """The notes of one system's actors."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes = folder / "notes"
        self._notes.touch()

    def note(self, word: str, name: str) -> None:
        """Write that `name` has `began`, `ran` or met whatever `word` says."""
        descriptor = os.open(self._notes, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, f"{word} {name}\n".encode())
        finally:
            os.close(descriptor)

    def notes(self) -> list[str]:
        """Return all notes in their order."""
        return self._notes.read_text().splitlines()

    def count(self, word: str, name: str) -> int:
        """Return how often `word` was noted of `name`."""
        return self.notes().count(f"{word} {name}")

    def open(self, gate: str) -> None:
        """Let pass whoever stands at `gate` now or later."""
        (self._folder / f"gate-{gate}").touch()

    def wait_at(self, gate: str) -> None:
        """Wait until `gate` is open."""
        wait_until((self._folder / f"gate-{gate}").exists, GATE_SECONDS)
