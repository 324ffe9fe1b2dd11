"""Kill workers, and whoever settles, while nested workflows run; count exactly."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter

import pytest

from tasks import workflows
from tasks.models import Attempt, Task, Worker, Workflow
from tasks.workflows import RESULT, chain, group, step

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

WORKFLOWS = 4
KILLS = 6
SECONDS = 12.0


def body_of(prefix: str, names: list[str]):
    """Return a nested workflow whose every step leaves its name; collect the names."""

    def leaf(name: str, **kwargs):
        names.append(f"{prefix}-{name}")
        return step("trial_step", name=names[-1], seconds=0.2, **kwargs)

    return chain(
        leaf("first"),
        group(
            (chain(leaf(f"m{n}"), leaf(f"n{n}", before=RESULT)) for n in range(12)),
            chain(
                leaf("x"),
                group(leaf(f"y{n}", before=RESULT) for n in range(8)),
                leaf("z", before=RESULT),
            ),
        ),
        leaf("last", before=RESULT),
    )


def kill_one(dice: random.Random) -> bool:
    pids = list(
        Worker.objects.filter(stopped_at__isnull=True).values_list("pid", flat=True)
    )
    dice.shuffle(pids)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # killed already; its row does not know yet
        return True
    return False


@pytest.mark.timeout(120)
def test_kills_let_each_step_and_each_callback_happen_once(
    rabbitmq, effects, start_process, wait_until
):
    seed = int(os.environ.get("FAULT_SEED", random.randrange(10**6)))
    print(f"FAULT_SEED={seed}")
    dice = random.Random(seed)
    environment = {"TASK_LEASE_SECONDS": "4", "TASK_MAX_RESCUES": "50"}
    start_process(
        "workers", "--queues=default", "--processes=2", "--threads=4", **environment
    )
    schedulers = [start_process("scheduler", **environment)]
    names: list[str] = []
    wanted: list[str] = []
    for number in range(WORKFLOWS):
        body = body_of(f"w{number}", names)
        if number % 2:
            # Fails after all the rest, so that every effect is known.
            body = chain(body, step("trial_fail", kind="permanent"))
        workflows.start(
            body,
            then=step("trial_step", name=f"w{number}-then"),
            otherwise=step("trial_step", name=f"w{number}-otherwise"),
        )
        wanted.append(f"w{number}-{'otherwise' if number % 2 else 'then'}")

    wait_until(lambda: Attempt.objects.exists())
    kills = 0
    end = time.monotonic() + SECONDS
    while kills < KILLS and time.monotonic() < end:
        time.sleep(dice.uniform(0.2, 0.8))
        kills += kill_one(dice)
        if dice.random() < 0.2:
            schedulers.pop().kill()
            schedulers.append(start_process("scheduler", **environment))
    wait_until(lambda: set(wanted) <= set(effects()), 60)

    told = f"FAULT_SEED={seed}, {kills} kills"
    assert effects() == sorted([*names, *wanted]), told
    states = Counter(Workflow.objects.values_list("state", flat=True))
    assert states == {"succeeded": WORKFLOWS // 2, "failed": WORKFLOWS // 2}, told
    # The steps, the callbacks, and those that fail: no task more.
    tasks = Task.objects.filter(is_followed=True).count()
    assert tasks == len(names) + WORKFLOWS * 3 // 2, told
    for number in range(WORKFLOWS):
        last = Task.objects.get(kwargs__name=f"w{number}-last")
        y_names = [f"w{number}-n{n}" for n in range(12)]
        assert last.kwargs["before"] == [*y_names, f"w{number}-z"], told
    lost = Attempt.objects.filter(outcome=Attempt.Outcome.LOST).count()
    print(f"{told}, {lost} runs lost, {len(names)} steps")
    assert lost, told
