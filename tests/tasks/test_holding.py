"""What a process has in hand: room, order, and interrupts that strike bodies only."""

from __future__ import annotations

import threading
import uuid

import pytest

from fliptech_site.errors import Cancelled
from tasks import holding as holding_module
from tasks.current import Claim
from tasks.holding import Holding, Pace
from tasks.ledger import Ledger


def a_claim():
    return Claim(uuid.uuid4(), 1, "trial_add", "default", 5, [], {}, {}, 0, 5, None)


@pytest.fixture
def held():
    return a_claim()


@pytest.fixture
def holding(held):
    """A holding of two threads, the calling one of which runs a claim."""
    found = Holding()
    found.threads = 2
    found.take_in([held], reserved=0)
    assert found.begin(held)
    return found


def room(holding, wanted=10, rank=5):
    return holding.reserve(wanted, rank=rank, seconds=0)


# --- room -------------------------------------------------------------------------


def test_there_is_room_for_as_many_claims_as_there_are_free_threads(holding):
    assert room(holding) == 1
    assert room(holding) == 0
    holding.take_in([], reserved=1)
    assert room(holding) == 1


def test_a_claim_that_waits_for_its_thread_takes_room(holding):
    granted = room(holding)
    holding.take_in([a_claim()], reserved=granted)
    assert room(holding) == 0


def test_a_thread_that_ends_its_body_has_room_before_the_end_is_committed(
    holding, held
):
    holding.keep_to_the_end(held)
    holding.free_thread()
    assert room(holding) == 2
    assert holding.everything() == [held]


def test_short_tasks_are_taken_ahead_in_groups_and_long_ones_are_not(holding):
    pace = holding._pace
    pace.per_second = lambda now: 1000.0
    granted = room(holding, wanted=100)
    assert granted == 1 + 30
    holding.take_in([a_claim() for _ in range(granted)], reserved=granted)
    assert room(holding) == 0, "the next group waits until half of this one has begun"
    waiting = holding.everything()[1:]
    holding.drop_ahead(only=[one.task_id for one in waiting[:16]])
    assert room(holding, wanted=100) == 16

    pace.per_second = lambda now: 2.0
    assert room(holding) == 0


def test_a_higher_rank_is_served_first(holding):
    assert room(holding) == 1  # now full
    served = []

    def ask(rank):
        if holding.reserve(1, rank=rank, seconds=10):
            served.append(rank)

    threads = [threading.Thread(target=ask, args=[rank]) for rank in (2, 10, 5)]
    for thread in threads:
        thread.start()
    while sum(holding._asking.values()) < 3:
        pass
    for _ in range(3):
        before = len(served)
        holding.take_in([], reserved=1)
        while len(served) == before:
            pass
    assert served == [10, 5, 2]
    for thread in threads:
        thread.join()


def test_what_was_given_back_can_not_begin(holding):
    other = a_claim()
    holding.take_in([other], reserved=0)
    assert holding.drop_ahead(only=[other.task_id]) == [other]
    assert not holding.begin(other)


def test_only_what_has_waited_too_long_is_dropped(holding):
    other = a_claim()
    holding.take_in([other], reserved=0)
    assert holding.drop_ahead(older_than_seconds=10) == []
    assert holding.drop_ahead(older_than_seconds=0) == [other]


def test_a_claim_of_an_earlier_attempt_does_not_begin_the_later_one(holding, held):
    twin = Claim(held.task_id, 2, "trial_add", "default", 5, [], {}, {}, 0, 5, None)
    holding.take_in([twin], reserved=0)
    assert not holding.begin(held)
    assert holding.begin(twin)


def test_forgetting_an_attempt_keeps_a_later_one_of_the_same_task(holding, held):
    twin = Claim(held.task_id, 2, "trial_add", "default", 5, [], {}, {}, 0, 5, None)
    holding.keep_to_the_end(twin)
    holding.forget([held])
    holding.free_thread()
    assert holding.everything() == [twin]


def test_the_pace_is_of_the_last_tenths_of_a_second_and_forgets_a_pause(monkeypatch):
    now = 100.0
    monkeypatch.setattr(holding_module.time, "monotonic", lambda: now)
    pace = Pace()
    for _ in range(200):
        now += 0.002
        pace.count(now)
    assert 300 < pace.per_second(now) < 550
    now += 60
    assert pace.per_second(now) < 1


# --- interrupts ---------------------------------------------------------------------


def test_a_running_body_can_be_interrupted(holding, held):
    with pytest.raises(Cancelled):
        holding.interrupt(threading.get_ident(), held, Cancelled)
        for _ in range(1000):
            threading.get_ident()  # it strikes between two steps of the body


def test_a_finish_is_never_interrupted(holding, held):
    holding.protect()
    assert not holding.interrupt(threading.get_ident(), held, Cancelled)


def test_another_claim_in_the_same_thread_is_not_interrupted(holding):
    assert not holding.interrupt(threading.get_ident(), a_claim(), Cancelled)


class _StruckLock:
    """A lock at which the interrupt strikes that was sent just before."""

    def __init__(self):
        self.strikes = 1

    def __enter__(self):
        if self.strikes:
            self.strikes -= 1
            raise Cancelled

    def __exit__(self, *_):
        pass


def test_an_interrupt_that_comes_too_late_is_dropped():
    ledger = Ledger()
    ledger.holding._lock = _StruckLock()
    ledger._protect()
    assert ledger.holding._protected == {threading.get_ident()}
