"""Start, watch and stop the processes of one run, and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from deploy.local import screen, stopping
from deploy.local.logs import LogTail, open_log
from deploy.local.screen import LaunchError, StopRequested

#: A child that ran this many seconds counts as healthy again.
HEALTHY_SECONDS = 60.0


@dataclass(frozen=True)
class Program:
    """What to start: `rank` 0 is stopped first; `user` is a (uid, gid) to become."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    rank: int = 0
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 8.0
    user: tuple[int, int] | None = None
    #: Called before every start, the first one too: clears what a crash left.
    before_start: Callable[[], None] = lambda: None


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    tail: LogTail
    started: float
    deaths: int = 0
    restart_at: float | None = None


def restart_delay(deaths: int) -> float:
    """Return the seconds to wait before start number `deaths` + 1 of a dying child."""
    return float(min(30.0, 0.5 * 2 ** max(0, deaths - 1)))


class Processes:
    """The children of one launcher, kept by a guard that outlives it."""

    def __init__(self, root: Path, var: Path) -> None:
        self._root = root
        self._log_folder = var / "log"
        self._register = stopping.Register(var / "processes.json")
        self._children: dict[str, _Child] = {}
        self._stop_requested = threading.Event()
        self._guard: subprocess.Popen[bytes] | None = None
        self._reports: dict[int, stopping.Description] = {}

    def stop_lost(self) -> None:
        """Stop what a killed launcher and its killed guard left running."""
        lost = self._register.still_running()
        if lost:
            screen.say(f"    stopping {len(lost)} processes that lost their launcher")
            stopping.stop(lost)
        self._register.write([])

    def listen_for_stop(self) -> None:
        """Take Ctrl-C and SIGTERM as the wish to stop everything in order."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop_requested.set())

    def log_path(self, name: str) -> Path:
        """Return where the output of the child goes."""
        return self._log_folder / f"{name}.log"

    def start(self, program: Program) -> None:
        """Start a child that is to run until the end and is restarted if it dies."""
        with open_log(self.log_path(program.name)) as log:
            tail = LogTail(program.name, self.log_path(program.name))
            process = self._spawn(program, log, log)
        self._children[program.name] = _Child(
            program, process, tail, started=time.monotonic()
        )

    def run(
        self,
        program: Program,
        *,
        stdout: IO[bytes] | None = None,
        stderr: IO[bytes] | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """Run a child to its end and return its exit code.

        Its output goes where the launcher's own goes, or to the given files.
        `meanwhile` is called many times a second; what it raises stops the child.

        Raises:
            StopRequested: when Ctrl-C or SIGTERM comes meanwhile; the child is stopped.
        """
        process = self._spawn(program, stdout, stderr)
        try:
            while process.poll() is None:
                self.pause(0.1)
                meanwhile()
        except (StopRequested, LaunchError):
            stopping.stop([_running(program, process.pid)])
            process.poll()
            raise
        finally:
            stopping.end_group(process.pid)
            self._report_gone(process.pid)
        return process.returncode

    def pause(self, seconds: float) -> None:
        """Wait; raise StopRequested as soon as somebody wants to stop."""
        if self._stop_requested.wait(seconds):
            raise StopRequested

    def wait_until(
        self, name: str, check: Callable[[], bool], *, seconds: float
    ) -> None:
        """Wait until the child `name` is ready.

        Raises:
            LaunchError: when it ended or took too long; with the end of its log.
        """
        child = self._children[name]
        end = time.monotonic() + seconds
        while not check():
            if child.process.poll() is not None:
                raise LaunchError(
                    f"{name} ended at its start (exit code {child.process.returncode})."
                    f" The end of {self.log_path(name)}:\n{child.tail.last_lines()}"
                )
            if time.monotonic() > end:
                raise LaunchError(
                    f"{name} was not ready after {seconds:.0f} s. The end of"
                    f" {self.log_path(name)}:\n{child.tail.last_lines()}"
                )
            self.pause(0.1)
        # What it said while it was starting up is of no interest any more.
        child.tail.important_lines()

    @property
    def any_started(self) -> bool:
        """Whether there is anything to stop."""
        return bool(self._children)

    def tend(self) -> None:
        """Show important log lines; restart what died."""
        for child in self._children.values():
            for line in child.tail.important_lines():
                screen.say(line)
            if child.restart_at is None:
                if child.process.poll() is not None:
                    self._note_death(child)
            elif time.monotonic() >= child.restart_at:
                self._restart(child)

    def stop(self) -> None:
        """Stop everything that was started here, users of the servers first."""
        alive = [
            _running(child.program, child.process.pid)
            for child in self._children.values()
            if child.process.poll() is None
        ]
        killed = stopping.stop(alive)
        for child in self._children.values():
            if child.process.pid in killed:
                screen.warn(f"{child.program.name} did not stop in time: killed.")
            stopping.end_group(child.process.pid)
            self._report_gone(child.process.pid)
            child.process.poll()  # tells Popen what psutil has waited for
        self._children.clear()
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(BrokenPipeError):
                self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    def _spawn(
        self, program: Program, stdout: IO[bytes] | None, stderr: IO[bytes] | None
    ) -> subprocess.Popen[bytes]:
        program.before_start()
        user, group = program.user or (None, None)
        process = subprocess.Popen(
            program.argv,
            env=dict(program.environment),
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            # Its own group: Ctrl-C in the terminal reaches the launcher alone.
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
        self._report_started(program, process.pid)
        return process

    def _note_death(self, child: _Child) -> None:
        stopping.end_group(child.process.pid)
        self._report_gone(child.process.pid)
        if time.monotonic() - child.started > HEALTHY_SECONDS:
            child.deaths = 0
        child.deaths += 1
        delay = restart_delay(child.deaths)
        child.restart_at = time.monotonic() + delay
        screen.warn(
            f"{child.program.name} ended (exit code {child.process.returncode});"
            f" it starts again in {delay:.1f} s. Its log: {child.tail.path}"
        )

    def _restart(self, child: _Child) -> None:
        with open_log(child.tail.path) as log:
            child.process = self._spawn(child.program, log, log)
        child.started, child.restart_at = time.monotonic(), None

    def _report_started(self, program: Program, pid: int) -> None:
        self._reports[pid] = stopping.describe(_running(program, pid))
        self._tell_guard(self._reports[pid])
        self._register.write(self._reports.values())

    def _report_gone(self, pid: int) -> None:
        self._reports.pop(pid, None)
        self._tell_guard({"gone": pid})
        self._register.write(self._reports.values())

    def _tell_guard(self, report: stopping.Description) -> None:
        try:
            if self._guard is None or self._guard.stdin is None:
                raise BrokenPipeError
            self._guard.stdin.write(_json_line(report))
        except BrokenPipeError:
            # First use, or somebody killed it: a new one learns the whole list.
            self._guard = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.guard"],
                cwd=self._root,
                stdin=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
            assert self._guard.stdin is not None
            for known in self._reports.values():
                self._guard.stdin.write(_json_line(known))


def _json_line(report: stopping.Description) -> bytes:
    return json.dumps(report).encode() + b"\n"


def _running(program: Program, pid: int) -> stopping.Running:
    return stopping.Running(
        process=psutil.Process(pid),
        rank=program.rank,
        stop_signal=program.stop_signal,
        seconds=program.stop_seconds,
    )
