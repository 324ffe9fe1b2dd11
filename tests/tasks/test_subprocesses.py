"""Programs that tasks run: their output, and that nothing of them is left."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from uuid import uuid4

import psutil
import pytest
from dramatiq.middleware import Shutdown, TimeLimitExceeded

from fliptech_site.errors import Cancelled
from tasks import guarding, subprocesses
from tasks.current import Claim, set_current_claim
from tasks.holding import Holding
from tasks.subprocesses import popen, run

PYTHON = sys.executable
#: One that stays in the group, one that leaves it, one that loses its parent, and itself.
_TREE = """
import subprocess, sys, time
{before}
child = [sys.executable, "-c", {child!r}, sys.argv[1]]
subprocess.Popen(child)
subprocess.Popen(child, start_new_session=True)
subprocess.run(["sh", "-c", '"$@" &', "sh", *child])
time.sleep(600)
"""
_IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def _tree(before):
    child = f"{before}\nimport time; time.sleep(600)"
    code = _TREE.format(before=before, child=child)
    return lambda tag: [PYTHON, "-c", code, tag]


#: Make the command line of a program of four processes that show a tag.
TREE = _tree("")
STUBBORN_TREE = _tree(_IGNORE)


def processes_with(tag):
    """Return the living processes whose command line shows the tag."""
    found = []
    for process in psutil.process_iter():
        try:
            if tag in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(autouse=True)
def tag():
    """A word that no other process has; whatever shows it afterwards is ended."""
    word = uuid4().hex
    yield word
    for process in processes_with(word):
        process.kill()


def test_a_program_gets_its_input_and_gives_its_output():
    done = run(["sh", "-c", "cat; echo error >&2"], input=b"hello")
    assert (done.stdout, done.stderr, done.returncode) == (b"hello", b"error\n", 0)


def test_a_program_is_told_no_secret(monkeypatch):
    monkeypatch.setenv("FIELD_KEYS", "secret")
    told = run(["env"], env={"MINE": "1"}).stdout.decode().split()
    names = {line.partition("=")[0] for line in told}
    assert {"PATH", "MINE", guarding.MARK} <= names
    assert not names & {"FIELD_KEYS", "SECRET_KEY", "DATABASE_URL"}


def test_large_outputs_do_not_block():
    code = "import sys; sys.stdout.write('x' * 3_000_000)"
    assert len(run([PYTHON, "-c", code]).stdout) == 3_000_000


def test_a_failed_program_tells_what_it_said():
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(["sh", "-c", "echo because >&2; exit 3"])
    assert (caught.value.returncode, caught.value.stderr) == (3, b"because\n")
    assert run(["sh", "-c", "exit 3"], check=False).returncode == 3


def test_a_program_past_its_time_is_ended_with_all_it_started(tag):
    begun = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        run(TREE(tag), timeout=1.0)
    assert time.monotonic() - begun < 3
    assert not processes_with(tag)


def test_what_a_program_left_behind_ends_with_its_block(tag):
    child = [PYTHON, "-c", "import time; time.sleep(600)", tag]
    with popen(["sh", "-c", '"$@" & exit 0', "sh", *child]) as process:
        process.wait()
        until(lambda: processes_with(tag))
    assert not processes_with(tag)


def test_a_stubborn_program_is_killed(tag, monkeypatch):
    monkeypatch.setattr(guarding, "TERM_SECONDS", 0.3)
    with pytest.raises(ZeroDivisionError), popen(STUBBORN_TREE(tag)):
        until(lambda: len(processes_with(tag)) == 4)
        raise ZeroDivisionError
    assert not processes_with(tag)


def test_an_error_at_the_start_leaves_nothing_to_watch():
    with pytest.raises(FileNotFoundError):
        run(["no-such-program"])
    assert not subprocesses.watch._programs


def test_an_interrupt_that_strikes_during_the_start_leaves_no_program(tag, monkeypatch):
    class Struck(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)
            raise Cancelled

    started = []

    # The guard itself is not to be struck.
    subprocesses.guard.new_mark()
    monkeypatch.setattr(subprocess, "Popen", Struck)
    with (
        pytest.raises(Cancelled),
        popen([PYTHON, "-c", "import time; time.sleep(600)", tag]),
    ):
        pass
    started[0].wait(5)
    assert not processes_with(tag)


def test_a_program_whose_task_is_over_is_ended_from_outside(tag):
    """As when two interrupts strike and the second cuts the clearing up short."""
    claim = Claim(uuid4(), 1, "a", "default", 5, [], {}, {}, 0, 5, None)
    set_current_claim(claim)
    block = popen(TREE(tag))
    block.__enter__()
    set_current_claim(None)
    until(lambda: len(processes_with(tag)) == 4)
    claim.stop.is_over = True
    until(lambda: not processes_with(tag))
    until(lambda: not subprocesses.watch._programs)
    block.__exit__(None, None, None)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg here")
@pytest.mark.parametrize("interrupt", [Cancelled, Shutdown, TimeLimitExceeded])
def test_an_interrupt_ends_a_real_ffmpeg(tag, interrupt):
    holding, ended = Holding(), []
    claim = Claim(uuid4(), 1, "a", "default", 5, [], {}, {}, 0, 5, None)

    def body():
        holding.take_in([claim], reserved=0)
        holding.begin(claim)
        set_current_claim(claim)
        try:
            run(
                [
                    "ffmpeg",
                    "-nostdin",
                    "-f",
                    "lavfi",
                    "-re",
                    "-i",
                    "testsrc",
                    "-metadata",
                    tag,
                    "-f",
                    "null",
                    "-",
                ]
            )
        except interrupt:
            ended.append(True)

    thread = threading.Thread(target=body)
    thread.start()
    until(lambda: processes_with(tag))
    assert holding.interrupt(thread.ident, claim, interrupt)
    thread.join(20)
    assert ended, "the thread waits for a program that nobody ends"
    assert not processes_with(tag)


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "This did not come true in time."
        time.sleep(0.02)
