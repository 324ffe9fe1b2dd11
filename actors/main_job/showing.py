"""Show how far a run is: one line per stage, rewritten in place on a terminal."""

from __future__ import annotations

from typing import TextIO

_CLEAR = "\r\x1b[2K"


class Progress:
    """Writes stages to a stream; on a terminal the last line keeps counting."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._title = ""
        self._shown = ""

    def begin(self, title: str) -> None:
        """Start a stage."""
        self._title, self._shown = title, ""
        if self._is_terminal:
            self._write(f"{title} ...")

    def update(self, text: str) -> None:
        """Say how far the stage is; only a terminal shows it."""
        if self._is_terminal and text != self._shown:
            self._shown = text
            self._write(f"{_CLEAR}{self._title}: {text}")

    def end(self, text: str) -> None:
        """Close the stage's line with what it delivered."""
        start = _CLEAR if self._is_terminal else ""
        self._write(f"{start}{self._title}: {text}\n")

    def say(self, sentence: str) -> None:
        """Write a sentence on a line of its own, between the counts."""
        start = _CLEAR if self._is_terminal else ""
        self._write(f"{start}{sentence}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
