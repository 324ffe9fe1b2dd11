"""What the launcher says. It talks on stderr, so that stdout stays for results."""

from __future__ import annotations

import os
import sys

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 36, "grey": 90, "bold": 1}


class LaunchError(Exception):
    """Raised when the start can't go on; the message says what to do."""


class StopRequested(Exception):
    """Raised inside a wait after Ctrl-C or SIGTERM."""


def paint(text: str, colour: str) -> str:
    """Colour `text` when stderr is a terminal and NO_COLOR is not set."""
    if not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{_COLOURS[colour]}m{text}\033[0m"


def say(text: str = "") -> None:
    """Print a line of news."""
    print(text, file=sys.stderr, flush=True)


def step(text: str) -> None:
    """Print what is being done now."""
    say(f"{paint('==>', 'blue')} {text}")


def warn(text: str) -> None:
    """Print something that is amiss and does not stop the start."""
    say(f"{paint('Warning:', 'yellow')} {text}")


def fail(text: str) -> None:
    """Print why the start ends here."""
    say(f"{paint('Error:', 'red')} {text}")
