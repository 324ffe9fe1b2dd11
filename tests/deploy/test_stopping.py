from __future__ import annotations

import json
import signal
import subprocess
import sys

import psutil
import pytest

from deploy.local.guard import follow
from deploy.local.processes import restart_delay
from deploy.local.stopping import (
    Register,
    Running,
    describe,
    in_order,
    recognise,
    stop,
)

#: Says when it is ready, so that a signal can't come too early.
POLITE = "print(flush=True); import signal; signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print(flush=True); [signal.pause() for _ in iter(int, 1)]"
)
PARENT = (
    "import subprocess, sys, signal;"
    f" subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]);"
    " signal.pause()"
)


@pytest.fixture
def start():
    processes = []

    def start(code: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        processes.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _running(process: subprocess.Popen[bytes], rank: int = 0, seconds: float = 5):
    return Running(psutil.Process(process.pid), rank, signal.SIGTERM, seconds)


def test_what_uses_the_servers_is_stopped_before_the_servers():
    me = psutil.Process()
    ranks = [Running(me, rank, signal.SIGTERM, 1) for rank in (2, 0, 1, 0)]
    assert [[one.rank for one in batch] for batch in in_order(ranks)] == [
        [0, 0],
        [1],
        [2],
    ]


def test_a_polite_process_ends_by_the_signal_and_a_stubborn_one_is_killed(start):
    polite, stubborn = start(POLITE), start(STUBBORN)
    killed = stop([_running(polite, 0), _running(stubborn, 1, seconds=0.3)])
    assert killed == [stubborn.pid]
    assert not psutil.pid_exists(polite.pid)
    assert not psutil.pid_exists(stubborn.pid)


def test_children_that_a_dead_leader_left_are_ended_too(start):
    leader = start(PARENT)
    (child,) = psutil.Process(leader.pid).children()
    stop([_running(leader)])
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_pid_that_was_given_to_another_program_is_left_alone(start):
    description = describe(_running(start(POLITE)))
    assert recognise(description) is not None
    assert recognise({**description, "born": description["born"] - 60}) is None


def test_the_next_launcher_finds_what_the_last_one_lost(start, tmp_path):
    process = start(POLITE)
    register = Register(tmp_path / "processes.json")
    register.write([describe(_running(process))])
    assert [one.process.pid for one in register.still_running()] == [process.pid]
    process.terminate()
    process.wait()
    assert register.still_running() == []


def test_the_guard_knows_only_what_was_not_reported_as_gone(start):
    first, second = start(POLITE), start(POLITE)
    lines = [
        json.dumps(describe(_running(first))),
        json.dumps(describe(_running(second))),
        json.dumps({"gone": first.pid}),
    ]
    assert [one.process.pid for one in follow(lines)] == [second.pid]


def test_the_guard_ends_everything_when_its_pipe_closes(start):
    orphan = start(POLITE)
    guard = subprocess.Popen(
        [sys.executable, "-m", "deploy.local.guard"], stdin=subprocess.PIPE
    )
    assert guard.stdin is not None
    guard.stdin.write(json.dumps(describe(_running(orphan))).encode() + b"\n")
    guard.stdin.close()
    assert orphan.wait(timeout=20) == -signal.SIGTERM
    assert guard.wait(timeout=20) == 0


def test_a_child_that_keeps_dying_is_restarted_more_and_more_slowly():
    delays = [restart_delay(deaths) for deaths in range(1, 12)]
    assert delays[0] <= 1
    assert delays == sorted(delays)
    assert max(delays) == 30
