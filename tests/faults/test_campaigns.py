"""2,000 recipients under fire: no mail twice, none lost, and each can say what became of it.

Longer by hand: FAULT_SECONDS=600 FAULT_SEED=7 ./deploy/test.sh tests/faults/test_campaigns.py
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import psutil
import psycopg
import pytest

from tests.faults.ground import Ground, wait_until
from tests.faults.node import ROOT
from tests.faults.soak import seed_from_environment
from tests.peers.driving import Died, Refused

pytestmark = pytest.mark.faults

RECIPIENTS = int(os.environ.get("FAULT_RECIPIENTS", 2000))
#: Mails a minute of each of the two accounts: there is work as long as it is struck.
PER_MINUTE = 6000
SECONDS = 30.0
#: Every mail has come to its end within so many seconds after the last strike.
QUIET_SECONDS = 180.0
#: Mails that go together in the two accounts that take turns, and each one's share.
WINDOWS = {1: 1, 20: 4}
#: Each thread of a worker has a window of its own.
THREADS = 3
FINAL = {"sent", "failed", "in_doubt", "skipped"}


class Fight:
    """A campaign, a server that fails, and what is struck."""

    def __init__(self, ground: Ground, seed: int, campaign_id: int) -> None:
        self._ground = ground
        self._dice = random.Random(seed)
        self._campaign_id = campaign_id
        self.strikes: Counter[str] = Counter()
        self._ways = {
            "worker killed": (self._kill_a_worker, 8),
            "scheduler killed": (self._kill_a_scheduler, 2),
            "sessions cut": (self._cut_sessions, 4),
            "connections to RabbitMQ cut": (ground.wire.cut, 2),
            "RabbitMQ killed": (self._kill_rabbitmq, 1),
            "paused and resumed": (self._pause, 2),
        }

    def run(self, seconds: float) -> None:
        """Strike for so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tend()
            (way,) = self._dice.choices(
                [*self._ways], [weight for _, weight in self._ways.values()]
            )
            self.strikes[way] += 1
            self._ways[way][0]()
            time.sleep(self._dice.uniform(0.5, 2.0))

    def settle(self) -> None:
        """Let everything come to its end, with the sweep that comes by itself later."""
        swept_at = 0.0

        def is_over() -> bool:
            nonlocal swept_at
            self._tend()
            if time.monotonic() > swept_at:
                self.ask("retry")
                swept_at = time.monotonic() + 5
            time.sleep(0.3)
            return self.ask("count_open") == 0

        try:
            wait_until(is_over, QUIET_SECONDS)
        except TimeoutError:
            pytest.fail(f"Not over: {self.ask('unfinished')}")

    def ask(self, function: str, **arguments: object) -> object:
        """Call into the installation; a session that was cut is no answer."""
        while True:
            try:
                return self._ground.sender.call(function, **arguments)
            except (Refused, Died, BrokenPipeError) as error:
                told = str(error)
                if "connection" not in told and "terminat" not in told:
                    raise
                time.sleep(0.2)

    def _tend(self) -> None:
        self._ground.tend()
        self._ground.node.tend()

    def _kill_a_worker(self) -> None:
        """Kill one of those that send."""
        workers = [
            child
            for supervisor in self._ground.processes("workers 1")
            if supervisor.poll() is None
            for child in psutil.Process(supervisor.pid).children()
        ]
        if workers:
            with suppress(psutil.NoSuchProcess):
                self._dice.choice(workers).kill()

    def _kill_a_scheduler(self) -> None:
        victim = self._dice.choice(self._ground.processes("scheduler"))
        victim.kill()
        victim.wait()

    def _cut_sessions(self) -> None:
        """End a random half of the sessions."""
        with psycopg.connect(self._ground.database.url, autocommit=True) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
            for (pid,) in self._dice.sample(pids, len(pids) // 2):
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])

    def _kill_rabbitmq(self) -> None:
        if self._ground.node.is_up():
            self._ground.node.kill()

    def _pause(self) -> None:
        self.ask("pause", campaign_id=self._campaign_id)
        time.sleep(0.5)
        self.ask("resume", campaign_id=self._campaign_id)


@pytest.fixture
def fire(tmp_path):
    """The server that fails, and its journal."""
    journal = tmp_path / "journal"
    journal.touch()
    seed = seed_from_environment()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.mail_fire", str(journal), str(seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        yield int(process.stdout.readline()), journal, seed
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def ground(tmp_path):
    """An installation with three workers for mail."""
    folder = tmp_path / "ground"
    folder.mkdir()
    ground = Ground(
        folder,
        sender="tests.faults.campaign_trial",
        TASK_MAX_RESCUES="50",
        TASK_LEASE_SECONDS="6",
    )
    try:
        ground.start(
            ("--queues=email", "--processes=3", f"--threads={THREADS}"),
            ("--queues=default", "--processes=1", "--threads=2"),
        )
        yield ground
    finally:
        ground.stop()


@pytest.mark.timeout(420)
def test_a_campaign_under_fire_sends_no_mail_twice_and_loses_none(fire, ground):
    port, journal, seed = fire
    campaign_id = ground.sender.call(
        "prepare",
        port=port,
        recipients=RECIPIENTS,
        per_minute=PER_MINUTE,
        windows=[*WINDOWS.items()],
    )
    fight = Fight(ground, seed, campaign_id)
    fight.ask("launch", campaign_id=campaign_id)
    wait_until(lambda: "arrived" in journal.read_text())

    fight.run(float(os.environ.get("FAULT_SECONDS", SECONDS)))
    fight.settle()

    told = f"seed {seed}, strikes {dict(fight.strikes)}"
    lines = Counter(tuple(line.split()) for line in journal.read_text().splitlines())
    arrived = {to: count for (what, to), count in lines.items() if what == "arrived"}
    cut = sum(count for (what, _), count in lines.items() if what == "doubtful")
    fates = fight.ask("fates")
    by_state = Counter(state for _, state, _ in fates)
    told += f", mails {dict(by_state)}, cut after DATA {cut}"
    print(told)
    assert len(fates) == len({address for address, _, _ in fates}) == RECIPIENTS, told
    assert max(arrived.values()) == 1, told
    for address, state, sentence in fates:
        assert state in FINAL, (told, address, state)
        assert len(sentence) > 10, (told, address, state)
        if state == "sent":
            assert arrived.get(address) == 1, (told, f"lost: {address}")
        if state in ("failed", "skipped"):
            assert address not in arrived, (told, f"denied: {address}")
    most = cut + fight.strikes["worker killed"] * THREADS * max(WINDOWS)
    assert by_state["in_doubt"] <= most, told
