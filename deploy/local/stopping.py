"""End processes in order: first what uses the servers, then the servers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Running:
    """One process that leads its own process group.

    Lower ranks are stopped first; `seconds` is how long it may take before it is
    killed.
    """

    process: psutil.Process
    rank: int
    stop_signal: int
    seconds: float


#: A process as JSON: pid, born (seconds since the epoch), rank, signal, seconds.
Description = dict[str, int | float]


def describe(running: Running) -> Description:
    """Return what another process needs to know to stop this one."""
    return {
        "pid": running.process.pid,
        "born": running.process.create_time(),
        "rank": running.rank,
        "signal": running.stop_signal,
        "seconds": running.seconds,
    }


def recognise(description: Description) -> Running | None:
    """Find the described process; None when it is gone or its pid is another's."""
    try:
        process = psutil.Process(int(description["pid"]))
        # The clock may have been set meanwhile; pids come round far more slowly.
        if abs(process.create_time() - description["born"]) > 2:
            return None
    except psutil.NoSuchProcess:
        return None
    return Running(
        process=process,
        rank=int(description["rank"]),
        stop_signal=int(description["signal"]),
        seconds=description["seconds"],
    )


class Register:
    """The processes of the present launcher, kept in a file for the next one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, descriptions: Iterable[Description]) -> None:
        """Replace what is on record."""
        self._path.write_text(json.dumps(list(descriptions)), encoding="utf-8")

    def still_running(self) -> list[Running]:
        """Return those on record that are alive."""
        if not self._path.exists():
            return []
        known = json.loads(self._path.read_text(encoding="utf-8") or "[]")
        found = (recognise(description) for description in known)
        return [running for running in found if running is not None]


def in_order(running: Iterable[Running]) -> Iterator[list[Running]]:
    """Yield the processes of each rank, lowest rank first."""
    for _, batch in groupby(sorted(running, key=lambda r: r.rank), lambda r: r.rank):
        yield list(batch)


def stop(running: Iterable[Running]) -> list[int]:
    """Stop all, politely at first; return the pids that had to be killed."""
    killed = []
    for batch in in_order(running):
        for one in batch:
            with suppress(psutil.NoSuchProcess):
                one.process.send_signal(one.stop_signal)
        _, alive = psutil.wait_procs(
            [one.process for one in batch], timeout=max(one.seconds for one in batch)
        )
        killed += [process.pid for process in alive]
        for one in batch:
            end_group(one.process.pid)
        psutil.wait_procs(alive, timeout=2)
    return killed


def end_group(leader: int) -> None:
    """Kill what is left of the process group: a dead leader may leave children."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
