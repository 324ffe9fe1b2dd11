"""Concurrency slots: a row per holder, where Dramatiq has one counter for all."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import StubBackend

from fliptech_site.errors import RateLimited
from tasks import leases
from tasks.leases import LostLock, concurrency, release, take
from tasks.models import Lease
from tests.tasks.conftest import ROOT

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)


def expire():
    Lease.objects.update(expires_at="2000-01-01T00:00Z")


def test_as_many_as_the_limit_are_let_in():
    with concurrency("k", limit=2), concurrency("k", limit=2):
        with pytest.raises(RateLimited, match="All 2 slots of 'k' are held"):
            with concurrency("k", limit=2):
                pytest.fail("three are in")
        with concurrency("other", limit=2):
            pass
    assert not Lease.objects.exists()


def test_a_refused_one_is_told_when_to_come_again():
    take("k", limit=1, lease_seconds=3)
    with pytest.raises(RateLimited) as refusal:
        with concurrency("k", limit=1):
            pytest.fail("two are in")
    assert 2 < refusal.value.retry_after <= 3


def test_a_slot_is_given_back_when_the_block_fails():
    with pytest.raises(ZeroDivisionError), concurrency("k", limit=1):
        1 / 0  # noqa: B018
    assert not Lease.objects.exists()


def test_a_later_holder_has_a_higher_number():
    numbers = []
    for _ in range(3):
        with concurrency("k", limit=1) as lease:
            numbers.append(lease.number)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    "wrong", [{"limit": 0, "lease_seconds": 1}, {"limit": 1, "lease_seconds": 0}]
)
def test_a_lease_without_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="A lease needs"):
        take("k", **wrong)


@committed
def test_a_lease_inside_a_transaction_is_refused():
    """Nobody could see it."""
    with transaction.atomic(), pytest.raises(RuntimeError):
        take("k", limit=1, lease_seconds=9)


@committed
def test_threads_never_get_more_slots_than_there_are():
    start = threading.Barrier(12)

    def work(_):
        start.wait()
        try:
            return take("k", limit=4, lease_seconds=60) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(work, range(12))).count(True) == 4


# --- where Dramatiq's counter fails ----------------------------------------------


def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_dramatiqs_limiter_lets_a_third_in_after_one_overran(monkeypatch):
    now = clock(monkeypatch)
    limiter = ConcurrentRateLimiter(StubBackend(), "k", limit=1, ttl=10_000)
    assert limiter._acquire()
    now[0] += 11  # the first overruns its time and works on
    assert limiter._acquire()
    limiter._release()  # the first is done, and frees the second's slot
    assert limiter._acquire(), "this is Dramatiq's fault that leases don't have"


def test_one_that_overran_frees_nobody_elses_slot():
    first = take("k", limit=1, lease_seconds=10)
    expire()
    second = take("k", limit=1, lease_seconds=10)
    assert not release(first)
    assert take("k", limit=1, lease_seconds=10) is None
    assert release(second)


def test_dramatiqs_limiter_never_gives_a_crashed_holders_slot_back(monkeypatch):
    now = clock(monkeypatch)
    limiter = ConcurrentRateLimiter(StubBackend(), "k", limit=2, ttl=10_000)
    assert limiter._acquire()  # and dies
    for _ in range(10):
        now[0] += 5
        assert limiter._acquire()
        assert not limiter._acquire(), "this is Dramatiq's fault that leases don't have"
        limiter._release()


def test_a_crashed_holders_slot_comes_back_while_others_come_and_go():
    assert take("k", limit=2, lease_seconds=10)  # and dies
    with concurrency("k", limit=2):
        pass
    expire()
    with concurrency("k", limit=2), concurrency("k", limit=2):
        pass


_HOLD = """
import django, time
django.setup()
from tasks.leases import concurrency
with concurrency("k", limit=1, lease_seconds=1.5):
    print("held", flush=True)
    time.sleep(60)
"""


@committed
def test_a_killed_process_loses_its_slot_and_a_living_one_keeps_it(
    python_process, wait_until
):
    """Renewed far beyond its time while it lives, and free soon after the kill."""
    process = python_process(_HOLD)
    assert process.stdout.readline() == b"held\n"
    time_of_expiry = Lease.objects.get().expires_at
    wait_until(lambda: Lease.objects.get().expires_at > time_of_expiry)
    assert take("k", limit=1, lease_seconds=9) is None
    process.kill()
    wait_until(lambda: take("k", limit=1, lease_seconds=9), 10)


@pytest.fixture
def python_process(test_environment):
    """Run Python source in a process of its own, on the test's database."""
    started = []

    def start(source):
        process = subprocess.Popen(
            [sys.executable, "-c", source],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env=test_environment | {"DJANGO_SETTINGS_MODULE": "fliptech_site.settings"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


# --- renewal and fence -------------------------------------------------------------


@committed
def test_a_holder_that_works_longer_than_its_lease_keeps_it():
    with concurrency("k", limit=1, lease_seconds=0.3) as lease:
        time.sleep(0.7)
        assert take("k", limit=1, lease_seconds=9) is None
        lease.guard()


@committed
def test_renewal_outlives_its_connection(monkeypatch, wait_until):
    monkeypatch.setattr(leases, "RENEW_AGAIN_SECONDS", 0.05)
    tries = []
    real = leases._renew_all

    def cut_off(held):
        tries.append(1)
        if len(tries) in (2, 3):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        real(held)

    monkeypatch.setattr(leases, "_renew_all", cut_off)
    with concurrency("k", limit=1, lease_seconds=0.9) as lease:
        wait_until(lambda: len(tries) >= 5)
        assert take("k", limit=1, lease_seconds=9) is None
    assert not lease.lost.is_set()


def test_a_lease_can_be_renewed_by_hand():
    lease = take("k", limit=1, lease_seconds=60)
    expire()
    lease.renew()
    assert take("k", limit=1, lease_seconds=9) is None
    release(lease)
    with pytest.raises(LostLock):
        lease.renew()


@committed
def test_a_holder_learns_that_it_lost_its_slot():
    with concurrency("k", limit=1, lease_seconds=0.3) as lease:
        Lease.objects.all().delete()
        assert lease.lost.wait(10)
        with pytest.raises(LostLock, match="goes no further"):
            lease.guard()


@committed
def test_nobody_takes_a_slot_over_while_its_holder_commits():
    lease = take("k", limit=1, lease_seconds=60)
    expire()

    def other():
        try:
            return take("k", limit=1, lease_seconds=60)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lease.guard()
            assert pool.submit(other).result(10) is None
        assert pool.submit(other).result(10) is not None
    with pytest.raises(LostLock), transaction.atomic():
        lease.guard()
