"""Locks: one holder, waiters that are woken, and nothing that goes on unnoticed."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from fliptech_site.errors import RateLimited
from tasks import waking
from tasks.leases import LostLock, concurrency
from tasks.locks import lock
from tasks.models import Lease

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other():
    """A thread with a connection of its own."""
    with ThreadPoolExecutor(1) as pool:

        def run(function):
            return pool.submit(function)

        yield run
        pool.submit(lambda: connection.close()).result()


def hold_briefly():
    with lock("k") as held:
        return held.number


def test_a_lock_has_one_holder_at_a_time(other):
    with lock("k"), concurrency("k", limit=1):
        with pytest.raises(RateLimited, match="held by another"):
            other(hold_briefly).result(10)
    assert other(hold_briefly).result(10)


def test_a_waiter_gets_the_lock_as_soon_as_it_is_free(other, monkeypatch, wait_until):
    monkeypatch.setattr(waking, "LOOK_SECONDS", 30.0)

    def wait():
        with lock("k", wait_seconds=20) as held:
            return held.number

    with lock("k") as held:
        waiting = other(wait)
        wait_until(lambda: Lease.objects.filter(is_awaited=True).exists())
        assert not waiting.done()
    assert waiting.result(10) > held.number


def test_waiting_ends_in_time(other):
    def wait():
        with lock("k", wait_seconds=0.1):
            pytest.fail("two are in")

    with lock("k"), pytest.raises(RateLimited):
        other(wait).result(10)


def test_many_waiters_come_one_after_the_other():
    inside, most = [], []

    def work(_):
        try:
            with lock("k", wait_seconds=30):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.01)
                inside.pop()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert most == [1] * 6


def test_the_lock_outlives_the_holders_connection(other):
    """A session's advisory lock would be another's now, and the holder none the wiser."""
    with lock("k") as held:
        with pytest.raises(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        connection.close()
        with pytest.raises(RateLimited):
            other(hold_briefly).result(10)
        held.guard()
    assert not Lease.objects.exists()


def test_a_holder_that_was_replaced_is_told_at_the_end(other):
    with pytest.raises(LostLock, match="lost to another holder"):
        with lock("k"):
            Lease.objects.update(expires_at="2000-01-01T00:00Z")
            assert other(hold_briefly).result(10)


def test_a_holder_that_was_replaced_commits_nothing(other):
    with pytest.raises(LostLock, match="goes no further"):
        with lock("k") as held:
            Lease.objects.update(expires_at="2000-01-01T00:00Z")
            other(hold_briefly).result(10)
            with transaction.atomic():
                Lease.objects.create(
                    key="effect", owner="", expires_at="2100-01-01T00:00Z"
                )
                held.guard()
    assert not Lease.objects.exists()


def test_the_fence_refuses_a_late_write(other):
    """What can't ask us keeps the highest number that it has seen."""
    seen = [0]

    def write(number):
        if number < seen[0]:
            raise PermissionError("another holder has written since")
        seen[0] = number

    with pytest.raises(LostLock), lock("k") as late:
        Lease.objects.update(expires_at="2000-01-01T00:00Z")
        write(other(hold_briefly).result(10))
        with pytest.raises(PermissionError):
            write(late.number)


def test_an_error_of_the_block_is_not_hidden_by_a_lost_lock():
    with pytest.raises(ZeroDivisionError), lock("k"):
        Lease.objects.all().delete()
        1 / 0  # noqa: B018


def test_a_lock_of_a_thread_is_free_for_the_next(other):
    numbers = [other(hold_briefly).result(10) for _ in range(2)]
    before = threading.active_count()
    numbers += [other(hold_briefly).result(10) for _ in range(20)]
    assert numbers == sorted(set(numbers))
    # None of them leaves a thread behind.
    assert threading.active_count() < before + 5
