"""Pausing, resuming and cancelling while mails go out fast, with real workers and SMTP."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.faults.ground import Ground, wait_until
from tests.faults.node import ROOT

pytestmark = pytest.mark.faults

#: Seconds within which pausing and cancelling take effect.
EFFECT_SECONDS = 2.0
#: Seconds that are watched after that.
WATCHED_SECONDS = 4.0
ROUNDS = 3


class Sink:
    """A mail server that takes everything, and what arrived there."""

    def __init__(self, folder):
        self._journal = folder / "journal"
        self._journal.touch()
        argv = ["-m", "tests.faults.mail_fire", str(self._journal), "1", "calm"]
        self._process = subprocess.Popen(
            [sys.executable, *argv], cwd=ROOT, stdout=subprocess.PIPE
        )
        self.port = int(self._process.stdout.readline())

    def arrived(self):
        """Give how often each address got a mail."""
        return Counter(
            line.split()[1] for line in self._journal.read_text().splitlines()
        )

    def count(self):
        return sum(self.arrived().values())

    def stop(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def sink(tmp_path):
    sink = Sink(tmp_path)
    yield sink
    sink.stop()


@pytest.fixture
def ground(tmp_path):
    folder = tmp_path / "ground"
    folder.mkdir()
    ground = Ground(folder, sender="tests.faults.campaign_trial")
    try:
        ground.start(
            ("--queues=email", "--processes=3", "--threads=3"),
            ("--queues=default", "--processes=1", "--threads=2"),
        )
        yield ground
    finally:
        ground.stop()


def stop_and_watch(sink, stop):
    """Stop the sending; give how many mails came too late, and how many came in all."""
    began = time.monotonic()
    stop()
    time.sleep(max(0.0, began + EFFECT_SECONDS - time.monotonic()))
    in_time = sink.count()
    time.sleep(WATCHED_SECONDS)
    return sink.count() - in_time, in_time


@pytest.mark.timeout(240)
def test_pausing_takes_effect_within_two_seconds_and_burns_nothing(sink, ground):
    recipients = 1200
    call = ground.sender.call
    campaign_id = call(
        "prepare", port=sink.port, recipients=recipients, per_minute=3000,
        windows=[(1, 1), (20, 2)], daily_cap=5000,
    )  # fmt: skip
    call("launch", campaign_id=campaign_id)

    for number in range(1, ROUNDS + 1):
        wait_until(lambda number=number: sink.count() > number * 200)
        late, arrived = stop_and_watch(
            sink, lambda: call("pause", campaign_id=campaign_id)
        )
        told = call("account_of")
        assert late == 0, told
        assert arrived < recipients, "It was paused too late to say anything."
        # What has gone was tried once; what waits has no attempt and no day's slot.
        attempts = {state: tries for state, tries, _ in told["mails"]}
        assert attempts.pop("sent") == 1, told
        assert set(attempts) <= {"waiting", "deferred"}, told
        assert set(attempts.values()) == {0}, told
        assert told["counted"] == arrived, told
        call("resume", campaign_id=campaign_id)

    wait_until(lambda: call("state_of", campaign_id=campaign_id) == "finished")
    assert call("account_of") == {
        "mails": [["sent", 1, recipients]], "counted": recipients,
    }  # fmt: skip
    assert len(sink.arrived()) == recipients
    assert set(sink.arrived().values()) == {1}


@pytest.mark.timeout(240)
def test_a_cancelled_campaign_stops_at_once_and_holds_up_no_other(sink, ground):
    call = ground.sender.call
    campaign_id = call(
        "prepare", port=sink.port, recipients=3000, per_minute=600, windows=[(1, 1)]
    )
    call("launch", campaign_id=campaign_id)
    wait_until(lambda: sink.count() > 50)

    late, arrived = stop_and_watch(
        sink, lambda: call("cancel", campaign_id=campaign_id)
    )

    told = call("account_of")
    assert late == 0, told
    assert told["mails"] == [
        ["sent", 1, arrived], ["skipped", 0, 3000 - arrived],
    ]  # fmt: skip
    # Its 3,000 places in the account's line were for five minutes.
    call("another", campaign_id=campaign_id)
    wait_until(lambda: sink.count() > arrived + 100, 40.0)
