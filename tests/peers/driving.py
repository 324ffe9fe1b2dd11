"""The process that enqueues: a driver for each system, told what to do over a pipe.

Run as `python -m tests.peers.driving MODULE`; each line of its input names a function of
the module and its arguments, each line of its output holds the answer.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import django
from django.db import close_old_connections

ROOT = Path(__file__).resolve().parents[2]


class Refused(Exception):
    """Raised when a call of the driver raised; the message is the error's."""


class Died(Exception):
    """Raised when the driver's process ended in the middle of a call."""


class Driver:
    """A driver process, and calls into it."""

    def __init__(
        self, module: str, environment: Mapping[str, str], log: IO[bytes]
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.peers.driving", module],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )

    def begin(self, function: str, **arguments: Any) -> None:
        """Start a call; `answer` gives what came of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([function, arguments]).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """Return what the call returned; raises Refused or Died."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise Died(f"The driver ended with {self._process.returncode}.")
        kind, value = json.loads(line)
        if kind == "raised":
            raise Refused(value)
        return value

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a function of the module and return its answer."""
        self.begin(function, **arguments)
        return self.answer()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.communicate()


def _serve(module_name: str) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    # What else is printed belongs to the log.
    os.dup2(2, 1)
    module = importlib.import_module(module_name)
    for line in sys.stdin:
        function, arguments = json.loads(line)
        try:
            if "DJANGO_SETTINGS_MODULE" in os.environ:
                # As at the beginning of a request.
                close_old_connections()
            answer = ["returned", getattr(module, function)(**arguments)]
        except Exception as error:  # noqa: BLE001 - the test decides what it means
            answer = ["raised", f"{type(error).__name__}: {error}"]
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        django.setup()
    _serve(sys.argv[1])
