"""End processes with all that they started, known by a mark in their environment.

A process hands its environment down, so the mark finds also what has left its group or
lost its parent, as parts of a browser do. Run as a script this file is the guard of one
worker: it reads a pipe that the worker holds open, and when the worker dies, however it
dies, it ends what the worker had started.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

import psutil

#: The environment variable that holds the mark, which begins with the worker's own.
MARK = "FLIPTECH_STARTED_BY"
#: Seconds that processes have after SIGTERM before SIGKILL.
TERM_SECONDS = 3.0
LOOK_SECONDS = 0.05
#: Seconds after which the guard looks again for what was just being started.
AGAIN_SECONDS = 0.5
#: What a worker says that ends in good order.
DONE = b"done"


def marked(prefix: str) -> list[psutil.Process]:
    """Return the living processes of this user whose mark begins with `prefix`."""
    found = []
    me = os.getuid()
    for process in psutil.process_iter():
        try:
            if process.uids().real != me:
                continue
            is_marked = process.environ().get(MARK, "").startswith(prefix)
            if is_marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            # It has just ended, or is none of ours.
            continue
    return found


def end(find: Callable[[], Sequence[psutil.Process]], term_seconds: float) -> None:
    """End all that `find` finds: SIGTERM, and after `term_seconds` SIGKILL."""
    told: set[psutil.Process] = set()
    deadline = time.monotonic() + term_seconds
    while processes := find():
        is_late = time.monotonic() >= deadline
        for process in processes:
            if is_late or process not in told:
                _send(process, signal.SIGKILL if is_late else signal.SIGTERM)
                told.add(process)
        time.sleep(LOOK_SECONDS)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except (psutil.Error, OSError):
        return


def main(prefix: str) -> None:
    """Wait for the end of the worker, then end what it had started."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    is_done = sys.stdin.buffer.read() == DONE
    end(lambda: marked(prefix), TERM_SECONDS)
    if not is_done:
        time.sleep(AGAIN_SECONDS)
        end(lambda: marked(prefix), TERM_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
