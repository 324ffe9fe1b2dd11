"""Programs that a task runs, such as ffmpeg or a browser, and that never outlive it.

Each is started in a session of its own and marked. It is ended with everything that it
started, SIGTERM first, when its block is left by whatever way; when the task is
cancelled, over its time limit or stopped with its worker, even while the task's thread is
deep in a system call that no interrupt reaches; and when the worker itself is killed.

This needs a system on which psutil reads the environment of processes, as Linux and
macOS are; elsewhere only the program itself is ended, and only by its block.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dramatiq
import psutil

from fliptech_site.environment import handed_down
from tasks import guarding
from tasks.current import Stop, current_claim

if TYPE_CHECKING:
    from dramatiq import Broker, MessageProxy

#: Seconds between two looks of a thread that waits for a program; an interrupt strikes
#: no later than that.
WAIT_SECONDS = 0.1
#: Seconds between two looks at the tasks whose programs run.
LOOK_SECONDS = 0.2
#: Seconds after a time limit until the programs are ended from outside: the interrupt,
#: which comes within a second, is to be the reason that the task gives.
LATE_SECONDS = 1.5


def run(
    argv: Sequence[str],
    *,
    input: bytes | None = None,
    timeout: float | None = None,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return its output, as `subprocess.run` does.

    Raises CalledProcessError when it fails and `check` is true, TimeoutExpired after
    `timeout` seconds; either holds what it wrote to its standard error.
    """
    stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
    with popen(
        argv,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=cwd,
    ) as process:
        stdout, stderr = _communicate(process, input, timeout)
    done = subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)
    if check:
        done.check_returncode()
    return done


@contextmanager
def popen(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside the block, and end it with the block.

    `env` is added to what a program needs to know (PATH, HOME, language, time zone): no
    secret of ours is handed down. `options` are those of `subprocess.Popen`.
    """
    held = current_claim()
    program = _Program(guard.new_mark(), held.stop if held else Stop())
    watch.add(program)
    try:
        # An interrupt may strike between the start and this name: the mark finds it.
        program.process = subprocess.Popen(  # noqa: S603 - the caller's to answer for
            argv,
            env={**handed_down(), **(env or {}), guarding.MARK: program.mark},
            start_new_session=True,
            **options,
        )
        yield program.process
    finally:
        program.end()
        program.close()
        watch.remove(program)


def _communicate(
    process: subprocess.Popen[bytes], input: bytes | None, timeout: float | None
) -> tuple[bytes, bytes]:
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            # In short waits, since an interrupt can't strike inside one.
            return process.communicate(input, timeout=WAIT_SECONDS)
        except subprocess.TimeoutExpired as waited:
            input = None
            if deadline is not None and time.monotonic() >= deadline:
                assert timeout is not None
                raise subprocess.TimeoutExpired(
                    process.args, timeout, waited.output, waited.stderr
                ) from None


@dataclass(eq=False, slots=True)
class _Program:
    """A program that was started, or is just being started."""

    mark: str
    stop: Stop
    process: subprocess.Popen[bytes] | None = None

    def is_to_end(self) -> bool:
        """Whether its task is over, was interrupted, or is past its time limit."""
        stop = self.stop
        is_late = stop.deadline is not None and time.monotonic() > stop.deadline
        return stop.is_over or stop.struck_at is not None or is_late

    def end(self) -> None:
        """End it and everything that it started; returns when they are gone."""
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                # Also what has dropped the mark, as long as it is in the group.
                os.killpg(self.process.pid, signal.SIGTERM)
        guarding.end(self._living, guarding.TERM_SECONDS)
        if self.process is not None:
            self.process.wait()

    def close(self) -> None:
        """Close the pipes to it."""
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                # What was written to it and not read is lost with it.
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def _living(self) -> list[psutil.Process]:
        if self.process is not None:
            # A child that nobody waits for stays among the living as a zombie.
            self.process.poll()
        return guarding.marked(self.mark)


class Watch:
    """A thread that ends the programs whose tasks can't do so themselves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: set[_Program] = set()
        self._ending: set[_Program] = set()
        self._is_running = False
        self._pid = 0

    def add(self, program: _Program) -> None:
        """Look after a program from now on."""
        with self._lock:
            if self._pid != os.getpid():
                # After a fork only the forking thread lives on.
                self._programs, self._is_running = set(), False
                self._pid = os.getpid()
            self._programs.add(program)
            if not self._is_running:
                self._is_running = True
                threading.Thread(
                    target=self._run, name="subprocesses", daemon=True
                ).start()

    def remove(self, program: _Program) -> None:
        """Forget a program that has ended."""
        with self._lock:
            self._programs.discard(program)
            self._ending.discard(program)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._programs:
                    self._is_running = False
                    return
                to_end = [
                    one for one in self._programs - self._ending if one.is_to_end()
                ]
                self._ending.update(to_end)
            for program in to_end:
                threading.Thread(target=self._end, args=[program], daemon=True).start()
            time.sleep(LOOK_SECONDS)

    def _end(self, program: _Program) -> None:
        program.end()
        if program.stop.is_over:
            # Nobody is left who would.
            self.remove(program)


class SubProcesses(dramatiq.Middleware):
    """Tells programs' watch when their tasks are late or over; stands after the ledger."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Note the deadline, which the time limit's own interrupt can't enforce alone."""
        held = current_claim()
        limit = message.options.get("time_limit") or broker.get_actor(
            message.actor_name
        ).options.get("time_limit")
        if held is not None and limit:
            held.stop.deadline = time.monotonic() + limit / 1000 + LATE_SECONDS

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Let what was left behind be ended."""
        held = current_claim()
        if held is not None:
            held.stop.is_over = True

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """The same for a body that skipped itself."""
        self.after_process_message(broker, message)


class Guard:
    """A process that ends this worker's programs when the worker dies; see `guarding`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._mark = ""
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None

    def new_mark(self) -> str:
        """Return a mark for another program, and see that a guard lives that knows it."""
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._mark, self._process = os.getpid(), uuid4().hex, None
            if self._process is None or self._process.poll() is not None:
                self._start()
            self._count += 1
            return f"{self._mark}.{self._count}."

    def close(self) -> None:
        """Let the guard go: this process ends in good order."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None and self._pid == os.getpid():
                process.communicate(guarding.DONE)

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            # Safe path: the folder of a script is no place to import from.
            [sys.executable, "-P", guarding.__file__, f"{self._mark}."],
            # The pipe ends with this process, which alone holds the other end.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C goes to the foreground group; the guard has to outlive the worker.
            start_new_session=True,
        )


guard = Guard()
atexit.register(guard.close)
watch = Watch()
