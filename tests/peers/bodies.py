"""The bodies of the trial actors: the same functions are declared on both systems.

What only a system itself can offer (its limiter, its way to commit an effect) is asked
from `peer()`, the module of the system in whose process this runs.
"""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dramatiq
from dramatiq import RateLimitExceeded

from tests.peers.journal import Journal

journal = Journal(Path(os.environ["PEER_FOLDER"]))


class Boots(dramatiq.Middleware):
    """Tell the test that a worker process has begun to consume."""

    def after_worker_boot(
        self, broker: dramatiq.Broker, worker: dramatiq.Worker
    ) -> None:
        journal.note("booted", str(os.getppid()))


def peer() -> Any:
    """Return `tests.peers.plain` or `tests.peers.ours`."""
    return importlib.import_module(os.environ["PEER_MODULE"])


def note(name: str) -> None:
    journal.note("ran", name)


def note_apart(name: str) -> None:
    """On a queue that tests may disturb."""
    journal.note("ran", name)


def note_unserved(name: str) -> None:
    """On a queue that no worker serves."""
    journal.note("ran", name)


def note_unserved_too(name: str) -> None:
    """On another queue that no worker serves."""
    journal.note("ran", name)


def note_alone(name: str) -> None:
    """On a queue that only workers started by a test serve."""
    journal.note("ran", name)


def hold(name: str) -> None:
    """Run until the test opens the gate of this name."""
    journal.note("began", name)
    journal.wait_at(name)
    journal.note("ran", name)


def hold_alone(name: str) -> None:
    hold(name)


def value(name: str) -> int:
    """Return something after the gate."""
    hold(name)
    return 7


def after(name: str, found: int) -> None:
    """Follow `value` in a pipeline."""
    journal.note("ran", name)


def succeeded(message: dict[str, Any], result: object) -> None:
    """Be called back by Dramatiq's `on_success`."""
    journal.note("called back for", message["kwargs"]["name"])


def fail_once(name: str) -> None:
    """Fail, the first time, after the gate."""
    journal.note("began", name)
    if journal.count("began", name) == 1:
        journal.wait_at(name)
        raise RuntimeError("the first run fails")
    journal.note("ran", name)


def fail_once_apart(name: str) -> None:
    fail_once(name)


def fail_for_good(name: str) -> None:
    """Fail every time."""
    journal.note("began", name)
    raise RuntimeError("this never works")


def change_arguments(name: str, items: list[Any]) -> None:
    """Put something into its own arguments that no message can carry, and fail once."""
    journal.note("began", name)
    items.append(object())
    if journal.count("began", name) == 1:
        raise RuntimeError("the first run fails")
    journal.note("ran", name)


def die(name: str) -> None:
    """Take its process down, as the OOM killer does."""
    journal.note("began", name)
    os.kill(os.getpid(), signal.SIGKILL)


def die_after_its_effect(name: str) -> None:
    """Leave its effect, and lose its process before anybody hears of it."""
    journal.note("began", name)
    peer().commit_effect(name)
    os.kill(os.getpid(), signal.SIGKILL)


def take_turns(name: str, key: str) -> None:
    """Run one at a time, by Dramatiq's own limiter."""
    try:
        with peer().mutex(key).acquire():
            hold(name)
    except RateLimitExceeded:
        journal.note("refused", name)
        raise


def look_up(name: str) -> None:
    """Look for the row that was written together with this task."""
    journal.note("found" if peer().has_order(name) else "missed", name)


def periodic(name: str = "") -> None:
    journal.note("ran", name)


def periodic_failing_once(name: str = "") -> None:
    journal.note("began", name)
    if journal.count("began", name) == 1:
        raise RuntimeError("the first run fails")
    journal.note("ran", name)


def periodic_in_two_schedulers(name: str = "planned by two") -> None:
    journal.note("ran", name)


def periodic_in_a_downtime(name: str = "planned in a downtime") -> None:
    journal.note("ran", name)


def periodic_in_an_outage(name: str = "planned in an outage") -> None:
    journal.note("ran", name)


#: Actor -> its queue; see `tests.peers.system.SERVED`.
ACTORS: dict[Callable[..., Any], str] = {
    note: "default",
    hold: "default",
    value: "default",
    after: "default",
    succeeded: "default",
    fail_once: "default",
    fail_for_good: "default",
    change_arguments: "default",
    die: "default",
    die_after_its_effect: "default",
    take_turns: "default",
    look_up: "default",
    note_apart: "scraper",
    fail_once_apart: "scraper",
    note_unserved: "demo",
    note_unserved_too: "ai",
    note_alone: "email",
    hold_alone: "email",
}
#: Periodic actors -> when they run.
PERIODIC: dict[Callable[..., Any], str] = {
    periodic: "0 0 1 1 *",
    periodic_failing_once: "0 0 1 1 *",
    periodic_in_two_schedulers: "0 0 1 1 *",
    periodic_in_a_downtime: "0 * * * *",
    periodic_in_an_outage: "* * * * *",
}
#: Tries that each actor has, and the milliseconds before the next one.
TRIES = 3
BACKOFF_MS = 200
