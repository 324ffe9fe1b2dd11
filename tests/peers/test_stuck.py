"""Where plain Dramatiq holds work up, or does it although it should not: S1, S3, 2.x."""

from __future__ import annotations

from contextlib import suppress

import psutil
import pytest

from tests.peers.cases import case
from tests.peers.journal import comes_true, wait_until
from tests.peers.pools import is_any_alive


@pytest.fixture
def pools(system):
    """Start pools for this test alone; they are killed at its end."""
    started = []

    def start(*queues, **options):
        started.append(system.start_pool(*queues, **options))
        system.wait_for_boot(started[-1])
        # Dramatiq has told of its boot before its queues are there.
        wait_until(lambda: system.consumers(queues[0]))
        return started[-1]

    yield start
    for pool in started:
        if pool.is_alive:
            pool.kill()
    system.delete_queue("email")


@case("S1", "a worker holds 1,000 delayed messages per thread, and no more")
def test_a_task_due_soon_is_not_held_up_by_those_due_tomorrow(system, pools):
    pools("email", threads=1)
    names = [f"S1 {number}" for number in range(1000)]
    system.call("send_many", actor="note_alone", names=names, delay_ms=86_400_000)
    system.send("note_alone", "S1 soon", delay_ms=500)
    is_run = system.runs("S1 soon")
    assert is_run


@case("S3", "what a busy process has fetched in advance waits for that process")
def test_a_task_fetched_by_a_busy_process_is_run_by_an_idle_one(system, pools):
    pools("email", threads=1)
    system.begin_task("hold_alone", "S3 long")
    system.send("note_alone", "S3 short")
    # Time for the busy process to fetch it, or to leave it to others.
    comes_true(lambda: not system.waiting("email"), 0.5)
    pools("email", threads=1)
    is_run = system.runs("S3 short")
    system.journal.open("S3 long")
    assert is_run


@case("2.1", "sending to a queue that was declared without priorities raises")
def test_a_queue_declared_without_priorities_holds_up_no_sender_and_no_other_queue(
    system, pools
):
    system.declare_plainly("email")
    try:
        is_sent = system.try_to("send_with_priorities", actor="note_alone", name="2.1")
        assert is_sent
        # The second comes when the relay has begun to care for the first.
        for delay_ms in (0, 2500):
            system.send("note", f"2.1 beside {delay_ms}", delay_ms=delay_ms)
        for delay_ms in (0, 2500):
            assert system.runs(f"2.1 beside {delay_ms}")
    finally:
        system.delete_queue("email")
    pools("email", threads=1)
    assert system.runs("2.1")


@case("2.8", "the error of a middleware that asks the database is swallowed")
def test_a_paused_queue_stays_paused_when_the_database_is_away(system):
    system.call("pause", queue="scraper")
    # Workers obey within two seconds.
    comes_true(lambda: False, 1.5)
    task_id = system.send("note_apart", "2.8")
    system.database.go_away()
    try:
        system.call("redeliver", task_id=task_id)
        is_run = comes_true(lambda: system.journal.count("ran", "2.8"), 1.5)
    finally:
        system.database.come_back()
        system.call("resume", queue="scraper")
    assert not is_run
    assert system.runs("2.8")


@case("2.9", "the master stops all processes when one has died")
def test_work_goes_on_when_one_process_of_a_pool_has_died(system, pools):
    pool = pools("email", processes=2, threads=1)
    victim, sibling = pool.children()
    victim.kill()

    def is_whole():
        return len(pool.children()) == 2 and sibling in pool.children()

    wait_until(lambda: not is_whole())
    assert system.soon(lambda: is_whole() and system.consumers("email") == 2)
    system.send("note_alone", "2.9")
    assert system.runs("2.9")


@case("2.9", "nobody tells the processes that their master was killed")
def test_the_processes_of_a_pool_end_when_its_master_was_killed(system, pools):
    pool = pools("email", processes=2, threads=1)
    children = pool.children()
    pool.kill_the_parent()
    are_gone = comes_true(lambda: not is_any_alive(children), 4.0)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    assert are_gone
