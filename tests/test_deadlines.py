"""One thread keeps the deadlines of all; who is late is called, who was in time isn't."""

from __future__ import annotations

import os
import threading
import time

import pytest

from fliptech_site.deadlines import Deadlines


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines()


def wait_for(event: threading.Event) -> bool:
    return event.wait(5)


def test_what_is_not_called_off_is_called_when_its_time_is_over(deadlines):
    over = threading.Event()
    began = time.monotonic()
    deadlines.set("a", 0.05, over.set)
    assert wait_for(over)
    assert time.monotonic() - began >= 0.05


def test_what_was_called_off_is_never_called(deadlines):
    early, late = threading.Event(), threading.Event()
    deadlines.set("a", 0.05, early.set)
    deadlines.call_off("a")
    deadlines.set("b", 0.1, late.set)
    assert wait_for(late)
    assert not early.is_set()


def test_an_earlier_deadline_is_not_kept_waiting_by_a_later_one(deadlines):
    first, second = threading.Event(), threading.Event()
    deadlines.set("late", 60, first.set)
    time.sleep(0.05)  # The keeper waits for the late one now.
    deadlines.set("early", 0.05, second.set)
    assert wait_for(second)
    assert not first.is_set()


def test_it_goes_on_after_a_time_of_nothing(deadlines):
    for _ in range(3):
        over = threading.Event()
        deadlines.set("a", 0.02, over.set)
        assert wait_for(over)
        time.sleep(0.05)


def test_the_keeper_goes_when_nobody_asks_for_long_and_comes_again(
    deadlines, monkeypatch
):
    monkeypatch.setattr("fliptech_site.deadlines.IDLE_SECONDS", 0.05)
    before = threading.active_count()
    for _ in range(2):
        over = threading.Event()
        deadlines.set("a", 0.01, over.set)
        assert wait_for(over)
        ends_at = time.monotonic() + 5
        while threading.active_count() > before and time.monotonic() < ends_at:
            time.sleep(0.01)
        assert threading.active_count() == before


def test_many_threads_have_theirs_kept_by_one(deadlines):
    before = threading.active_count()
    over = [threading.Event() for _ in range(50)]
    for number, event in enumerate(over):
        deadlines.set(number, 0.05 + number / 1000, event.set)
    assert threading.active_count() == before + 1
    assert all(wait_for(event) for event in over)


def test_a_forked_process_has_a_keeper_of_its_own(deadlines):
    deadlines.set("parent", 60, lambda: None)
    os.register_at_fork(after_in_child=deadlines.forget)
    child = os.fork()
    if child == 0:
        over = threading.Event()
        deadlines.set("child", 0.05, over.set)
        os._exit(0 if over.wait(5) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
