"""Paces that processes share."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tasks.limits import hold_until, next_free, reserve, reserve_each, take

pytestmark = pytest.mark.django_db


def seconds_from_now(moment):
    return (moment - datetime.now(UTC)).total_seconds()


def test_reserved_slots_follow_each_other_by_the_interval():
    slots = [reserve("k", interval_seconds=10) for _ in range(3)]
    assert seconds_from_now(slots[0]) <= 0.01
    assert [round((b - a).total_seconds()) for a, b in itertools.pairwise(slots)] == [
        10,
        10,
    ]


def test_a_burst_may_start_at_once():
    slots = [reserve("k", interval_seconds=10, burst=3) for _ in range(4)]
    assert all(seconds_from_now(slot) <= 0.01 for slot in slots[:3])
    assert 9 < seconds_from_now(slots[3]) <= 10


def test_several_slots_are_reserved_at_once():
    reserve("k", interval_seconds=1, count=60)
    assert 59 < seconds_from_now(reserve("k", interval_seconds=1)) <= 60


def test_each_of_several_slots_has_its_time():
    slots = reserve_each("k", interval_seconds=10, burst=3, count=5)
    waits = [round(seconds_from_now(slot)) for slot in slots]
    assert waits == [0, 0, 0, 10, 20]
    assert round(seconds_from_now(reserve("k", interval_seconds=10, burst=3))) == 30


def test_reserving_together_is_reserving_one_by_one():
    together = reserve_each("a", interval_seconds=10, burst=2, count=4)
    alone = [reserve("b", interval_seconds=10, burst=2) for _ in range(4)]
    differences = [
        (y - x).total_seconds() for x, y in zip(together, alone, strict=True)
    ]
    assert all(abs(difference) < 1 for difference in differences)


def test_the_next_free_slot_is_told_and_not_taken():
    assert seconds_from_now(next_free("k", interval_seconds=10)) <= 0.01
    reserve("k", interval_seconds=10, count=2)
    for _ in range(2):
        assert 19 < seconds_from_now(next_free("k", interval_seconds=10)) <= 20


def test_asking_for_a_slot_that_is_not_free_takes_nothing():
    assert take("k", interval_seconds=10) == 0.0
    waits = [take("k", interval_seconds=10) for _ in range(5)]
    assert all(9 < wait <= 10 for wait in waits)


def test_keys_do_not_meet():
    assert take("a", interval_seconds=10) == take("b", interval_seconds=10) == 0.0


def test_a_key_can_be_held_back():
    hold_until("k", datetime.now(UTC) + timedelta(seconds=30))
    assert 29 < take("k", interval_seconds=1) <= 30
    hold_until("k", datetime.now(UTC))
    assert take("k", interval_seconds=1) > 29, "an earlier moment shortens nothing"


@pytest.mark.parametrize(
    "wrong", [{"interval_seconds": -1}, {"interval_seconds": 1, "burst": 0}]
)
def test_a_pace_without_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="A pace needs"):
        reserve("k", **wrong)


@pytest.mark.django_db(transaction=True)
def test_threads_never_share_a_slot():
    barrier, taken = threading.Barrier(8), []

    def run():
        barrier.wait()
        taken.extend(take("k", interval_seconds=60, burst=5) for _ in range(5))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(0.0) == 5
