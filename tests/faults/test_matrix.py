"""The fault matrix: each victim is struck while a task stands at each step of its life.

The account has to be exact, whatever was struck where: the task of every step succeeds,
with one effect; only what was never committed may be missing, and then leaves nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from deploy.local.rabbitmq import find_server
from tests.conftest import NO_RABBITMQ
from tests.faults.ground import Ground
from tests.faults.rounds import STEPS, play

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

STRIKES: dict[str, Callable[[Ground], object]] = {
    "worker": Ground.kill_workers,
    "supervisor": lambda ground: ground.kill("workers"),
    "schedulers": lambda ground: ground.kill("scheduler"),
    "sender": Ground.kill_sender,
    "RabbitMQ": lambda ground: ground.node.kill(),
    "connections to RabbitMQ": lambda ground: ground.wire.cut(),
    "sessions of PostgreSQL": lambda ground: ground.database.cut(),
}
EVERYTHING = "everything"
VICTIMS = (*STRIKES, EVERYTHING)
#: What ends an open transaction of the sender's.
ROLL_BACK = {"sender", "sessions of PostgreSQL", EVERYTHING}


def strike(ground: Ground, victim: str) -> None:
    for one in STRIKES if victim == EVERYTHING else [victim]:
        STRIKES[one](ground)


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    if find_server(os.environ) is None:
        pytest.fail(NO_RABBITMQ, pytrace=False)
    found = Ground(tmp_path_factory.mktemp("ground"), TASK_MAX_RESCUES="10")
    try:
        found.start(("--queues=default,scraper", "--processes=1", "--threads=8"))
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def played(ground):
    """Victim -> what came of its round, played when it is first asked for."""
    return {}


@pytest.fixture
def round_(request, ground, played):
    victim = request.param
    if victim not in played:
        played[victim] = play(ground, victim, partial(strike, ground, victim))
    return victim, played[victim]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("round_", VICTIMS, indirect=True)
def test_a_task_is_done_once_whatever_is_struck_at_whichever_step(round_, step):
    victim, found = round_
    account = found.accounts[step]
    if step == "uncommitted" and victim in ROLL_BACK:
        assert (account.states, account.effects) == ([], 0)
        return
    assert (account.states, account.effects) == (["succeeded"], 1), account
    assert account.failures <= 1, account
    assert account.rescues <= 1, account
    assert account.attempts <= 3, account
