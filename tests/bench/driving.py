"""Each peer in a process of its own, told what to do over a pipe.

Django can be set up only once in a process, and no peer shall pay for another's threads.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import psutil

from tests.bench.servers import ROOT

#: A worker has this long to end in good order.
STOP_SECONDS = 20.0


class Peer(Protocol):
    """What can be measured of a task system; times are in seconds."""

    def enqueue(self, count: int) -> float:
        """Enqueue tasks one by one; return the time until the last one is safe."""

    def enqueue_in_bulk(self, count: int) -> float:
        """Enqueue tasks in the fastest way there is; return the time until all are safe."""

    def work_off(self, count: int, pool: str) -> float:
        """Fill a backlog, start a worker; return the time from first start to last end."""

    def latencies(self, count: int) -> list[float]:
        """Enqueue tasks one at a time to an idle worker; return each one's wait."""


class PeerProcess:
    """A peer's process, and the calls into it."""

    def __init__(
        self, module: str, environment: Mapping[str, str], folder: Path
    ) -> None:
        """`module` holds a class `Driver`; `folder` gets the output of its workers."""
        folder.mkdir()
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.driving", module],
                cwd=ROOT,
                env={**os.environ, **environment, "BENCH_FOLDER": str(folder)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            _stop(self._process)
        self._process.stdout.close()

    def call(self, method: str, **arguments: Any) -> Any:
        """Call a method of the peer; raises RuntimeError with what its process printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = json.dumps({"method": method, "arguments": arguments})
        self._process.stdin.write(order.encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            told = self._output.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"A peer's process died in {method}: {told}")
        return json.loads(answer)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Worker:
    """A worker process of a peer; its output goes where the driver's errors go."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _stop(self._process)

    def memory(self) -> float:
        """Return the resident memory of its largest process, in millions of bytes."""
        parent = psutil.Process(self._process.pid)
        family = [parent, *parent.children(recursive=True)]
        return max(one.memory_info().rss for one in family) / 1e6

    def check(self) -> None:
        """Raise RuntimeError when the worker has ended by itself."""
        if self._process.poll() is not None:
            raise RuntimeError(f"The worker ended with {self._process.returncode}.")


def main() -> None:
    """Build the peer and answer orders until the pipe ends."""
    peer = importlib.import_module(sys.argv[1]).Driver()
    for line in sys.stdin:
        order = json.loads(line)
        answer = getattr(peer, order["method"])(**order["arguments"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
