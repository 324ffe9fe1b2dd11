"""Where Dramatiq's limiters let too many in, or too few: 2.4."""

from __future__ import annotations

import time

from tests.peers.cases import case
from tests.peers.journal import comes_true, wait_until

#: Seconds for which a slot is good in these tests; a quarter of an hour by default.
SECONDS = 0.3


@case("2.4", "one who overran frees the slot of the next, and a third comes in")
def test_one_who_overran_frees_nobody_elses_slot(system):
    def take(holder):
        return system.call(
            "take", key="overrun", limit=1, holder=holder, seconds=SECONDS
        )

    take("first")
    wait_until(lambda: take("second"))
    system.call("give_back", holder="first")
    assert not take("third")


@case("2.4", "others who come and go keep the crashed holder's count alive")
def test_the_slot_of_a_crashed_holder_comes_back(system):
    def take(holder):
        return system.call(
            "take", key="crashed", limit=2, holder=holder, seconds=SECONDS
        )

    take("crashed")
    deadline = time.monotonic() + SECONDS * 5
    while time.monotonic() < deadline:
        if take("second"):
            system.call("give_back", holder="second")
    assert take("second")
    assert take("third")


@case("2.4", "a bucket is full again at the border of the second")
def test_no_more_than_the_limit_pass_at_the_border_of_a_second(system):
    comes_true(lambda: time.time() % 1 > 0.85, 1.1)
    deadline = time.monotonic() + 0.35
    passed = 0
    while time.monotonic() < deadline:
        passed += system.call("attempt_at_pace", key="border", limit=2)
    assert passed <= 2


@case("2.4", "each refusal burns a try, and the task is dead before its turn")
def test_a_refused_task_waits_for_its_turn(system):
    system.begin_task("take_turns", "2.4 first", key="turns")
    system.send("take_turns", "2.4 second", key="turns")
    wait_until(lambda: system.journal.count("refused", "2.4 second") == 3)
    system.journal.open("2.4 first")
    system.journal.open("2.4 second")
    assert system.runs("2.4 second")
