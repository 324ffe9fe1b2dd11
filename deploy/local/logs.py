"""The children's log files: opened for them, and watched for what matters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deploy.local import screen

#: A log that grew beyond this many bytes is put aside as NAME.log.1 at a start.
KEEP_BYTES = 10_000_000
#: At most this many lines of one child reach the screen per look.
SHOWN_LINES = 5
_IMPORTANT = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b")
_SEVERE = re.compile(r"\b(ERROR|CRITICAL|FATAL|PANIC)\b")


@contextmanager
def open_log(path: Path) -> Iterator[IO[bytes]]:
    """Open a log for appending; an overgrown one is put aside first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > KEEP_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    with path.open("ab") as log:
        yield log


class LogTail:
    """Reads what a child appended to its log since the last look."""

    def __init__(self, name: str, path: Path) -> None:
        self.path = path
        self._name = name
        self._start = self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def important_lines(self) -> list[str]:
        """Return new warnings and errors, each with the child's name before it."""
        lines = [line for line in self._new_lines() if _IMPORTANT.search(line)]
        shown = [self._prefixed(line) for line in lines[:SHOWN_LINES]]
        if len(lines) > SHOWN_LINES:
            more = len(lines) - SHOWN_LINES
            shown.append(self._prefixed(f"WARNING … and {more} more in {self.path}"))
        return shown

    def last_lines(self, count: int = 15) -> str:
        """Return the end of what this run wrote."""
        with self.path.open("rb") as log:
            log.seek(self._start)
            text = log.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-count:])

    def _new_lines(self) -> list[str]:
        if not self.path.exists():
            return []
        if self.path.stat().st_size < self._position:
            self._start = self._position = 0
        with self.path.open("rb") as log:
            log.seek(self._position)
            data = self._rest + log.read()
            self._position = log.tell()
        *lines, self._rest = data.split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]

    def _prefixed(self, line: str) -> str:
        colour = "red" if _SEVERE.search(line) else "yellow"
        return f"{screen.paint(f'{self._name:>9} |', colour)} {line.strip()[:300]}"


class LastLine:
    """Passes a child's output on, except the last line, which is kept for the end."""

    def __init__(self, path: Path, target: IO[bytes]) -> None:
        """`path` is the file the child writes to."""
        self._path, self._target = path, target
        self._position = 0
        self._held = b""

    def pass_on(self) -> None:
        """Pass on what is known not to be the last line."""
        with self._path.open("rb") as output:
            output.seek(self._position)
            text = self._held + output.read()
            self._position = output.tell()
        earlier = text[: text.rstrip(b"\n").rfind(b"\n") + 1]
        self._held = text[len(earlier) :]
        self._target.write(earlier)
        self._target.flush()

    def finish(self) -> None:
        """Write the last line too."""
        self.pass_on()
        self._target.write(self._held)
        self._target.flush()
        self._held = b""
