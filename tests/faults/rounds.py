"""One round of the matrix: processes stand at many steps at once, a victim is struck.

Each step has a task of its own. When all stand, one strike hits them all, so a round
costs little more than the start of what was killed. What one thread can't stand at
together is parted into two rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.faults.ground import Ground, wait_until

#: Step -> the sender's call that brings somebody there, and its arguments.
FIRST: dict[str, tuple[str, dict[str, Any]]] = {
    # The lease of a lost run takes three seconds to run out, so this begins.
    "rescue": ("lose", {}),
    "body": ("send", {"actor": "fault_work"}),
    "uncommitted end": ("send", {"actor": "fault_work"}),
    "committed end": ("send", {"actor": "fault_work"}),
    "unbegun": ("send", {"actor": "fault_work"}),
    "retry": ("send", {"actor": "fault_work", "is_failing": True}),
    "unclaimed": ("send", {"actor": "fault_work_apart"}),
    "released": ("send", {"actor": "fault_work", "delay_seconds": 0.2}),
    "unconfirmed": ("send", {"actor": "fault_work"}),
    "unpublished": ("send_aside", {}),
    "uncommitted": ("send_uncommitted", {}),
}
SECOND: dict[str, tuple[str, dict[str, Any]]] = {
    # Once its end is recorded, even an effect without a fence does not come again.
    "ended": ("send", {"actor": "fault_work_unfenced"}),
    "unacknowledged": ("send", {"actor": "fault_work_apart"}),
    "planned": ("plan", {}),
    "relayed": ("send", {"actor": "fault_work", "delay_seconds": 0.2}),
    "unmarked": ("send", {"actor": "fault_work_unserved"}),
}
STEPS = (*FIRST, *SECOND)
#: Steps at which nobody is waited for before the next one is brought about.
SLOW = {"rescue"}
#: Within so many seconds after the strike everything is done: leases of three seconds,
#: the start of a node and of the processes.
BOUND_SECONDS = 60.0
#: The round's tasks have names. What the product plans by the clock has none, and may
#: wait in a queue that nobody serves here.
_UNFINISHED = (
    "FROM tasks_task"
    " WHERE kwargs ? 'name' AND state IN ('scheduled', 'queued', 'running')"
)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the task of one step."""

    #: State of each task of this name: one, or none that was ever committed.
    states: list[str]
    effects: int
    attempts: int
    failures: int
    rescues: int


@dataclass(frozen=True, slots=True)
class Round:
    """What became of all tasks, and how many seconds after the strike all was quiet."""

    accounts: dict[str, Account]
    seconds: float


def play(ground: Ground, victim: str, strike: Callable[[], None]) -> Round:
    """Let processes stand at all steps, strike, let go, and account."""
    rounds = [
        _play_part(ground, victim, strike, FIRST, number=1),
        _play_part(ground, victim, strike, SECOND, number=2),
    ]
    return Round(
        accounts={step: one for part in rounds for step, one in part.accounts.items()},
        seconds=max(part.seconds for part in rounds),
    )


def _play_part(
    ground: Ground,
    victim: str,
    strike: Callable[[], None],
    steps: dict[str, tuple[str, dict[str, Any]]],
    number: int,
) -> Round:
    names = {step: f"{victim}, {step}" for step in steps}
    for mark in ground.folder.glob("*-*"):
        if mark.name.split("-")[0] in {"armed", "taken", "at", "go"}:
            mark.unlink()
    for step, (call, arguments) in steps.items():
        (ground.folder / f"armed-{step}").touch()
        ground.sender.call(call, name=names[step], **arguments)
        if step not in SLOW:
            wait_until((ground.folder / f"at-{step}").exists)
        if step == "unclaimed":
            # The scheduler's threads are free until here.
            wait_until((ground.folder / "at-rescue").exists)
    struck_at = time.monotonic()
    strike()
    for step in steps:
        (ground.folder / f"go-{step}").touch()
    ground.tend()
    beside = ground.run_beside("worker", "--queues=demo", "--threads=1")
    try:
        ground.node.revive()
        _wait_for_quiet(ground)
    finally:
        beside.kill()
        beside.wait()
    return Round(
        {step: _account(ground, name) for step, name in names.items()},
        time.monotonic() - struck_at,
    )


def _wait_for_quiet(ground: Ground) -> None:
    """Wait until nothing is unfinished; raises TimeoutError that says what is."""
    try:
        wait_until(partial(_is_quiet, ground), BOUND_SECONDS)
    except TimeoutError as error:
        unfinished = ground.rows(
            "SELECT kwargs->>'name', state, attempt, rescues, published_at, lease_until,"
            f" now() {_UNFINISHED}"
        )
        raise TimeoutError(f"{unfinished}\n{ground.log()}") from error


def _is_quiet(ground: Ground) -> bool:
    ground.tend()
    # In one statement: a run that is planned between two is neither overdue any more nor
    # was it there when the unfinished were counted.
    ((left,),) = ground.rows(
        f"SELECT (SELECT count(*) {_UNFINISHED})"
        " + (SELECT count(*) FROM tasks_schedule WHERE next_run_at <= now())"
    )
    return not left


def _account(ground: Ground, name: str) -> Account:
    tasks = ground.rows(
        "SELECT state, attempt, failures, rescues FROM tasks_task"
        " WHERE kwargs->>'name' = %s",
        name,
    )
    return Account(
        states=[task[0] for task in tasks],
        effects=ground.database.count_effects(name),
        attempts=sum(task[1] for task in tasks),
        failures=sum(task[2] for task in tasks),
        rescues=sum(task[3] for task in tasks),
    )
