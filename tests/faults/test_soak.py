"""Everything at once, for half a minute here and for as long as wanted by hand.

`python -m tests.faults --minutes 30 --seed 7` prints the account.
"""

from __future__ import annotations

import os

import pytest

from deploy.local.rabbitmq import find_server
from tests.conftest import NO_RABBITMQ
from tests.faults.ground import Ground
from tests.faults.soak import QUIET_SECONDS, Soak, seed_from_environment

SECONDS = float(os.environ.get("FAULT_SECONDS", "30"))

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(SECONDS + QUIET_SECONDS + 120),
]


@pytest.fixture
def ground(tmp_path):
    if find_server(os.environ) is None:
        pytest.fail(NO_RABBITMQ, pytrace=False)
    # A task may meet many deaths here; those that kill workers have tests of their own.
    found = Ground(tmp_path, TASK_MAX_RESCUES="100")
    pool = ("--queues=default,scraper", "--processes=2", "--threads=4")
    try:
        found.start(pool, pool)
        yield found
    finally:
        found.stop()


def test_kills_at_random_lose_no_task_and_double_no_fenced_effect(ground):
    account = Soak(ground, seed_from_environment()).run(SECONDS)
    print(f"\n{account}")
    assert not account.faults, f"{account}\n{ground.log()}"
