"""Dramatiq's rate limiters and barriers on our backend, beside its in-memory one."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from dramatiq.errors import RateLimitExceeded
from dramatiq.rate_limits import (
    Barrier,
    BucketRateLimiter,
    ConcurrentRateLimiter,
    WindowRateLimiter,
)
from dramatiq.rate_limits.backends import StubBackend
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.limits import PostgresRateLimiterBackend
from tasks.models import Counter, Signal

pytestmark = pytest.mark.django_db
#: Where threads meet, or a transaction would hide what is asked.
committed = pytest.mark.django_db(transaction=True)

LONG = 60_000


@pytest.fixture
def backend():
    return PostgresRateLimiterBackend()


def together(work, times):
    """Run `work` in so many threads at the same moment and return what each returned."""
    start = threading.Barrier(times)

    def run(number):
        start.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


# --- the four operations -------------------------------------------------------

_KEYS = st.sampled_from(["a", "b"])
_STEPS = st.one_of(
    st.tuples(st.just("add"), _KEYS, st.integers(-3, 5)),
    st.tuples(st.just("incr"), _KEYS, st.integers(0, 4), st.integers(-2, 6)),
    st.tuples(st.just("decr"), _KEYS, st.integers(0, 4), st.integers(-4, 3)),
    st.tuples(st.just("sum"), _KEYS, st.integers(0, 4), st.integers(-2, 8)),
)


@given(steps=st.lists(_STEPS, max_size=12))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_it_answers_as_dramatiqs_own_backend_does(backend, steps):
    Counter.objects.all().delete()
    stub = StubBackend()
    for kind, key, *numbers in steps:
        answers, known = [], set(stub.db)
        for one in (backend, stub):
            if kind == "sum":
                answer = one.incr_and_sum(key, lambda: ["a", "b"], *numbers, LONG)
            else:
                answer = getattr(one, kind)(key, *numbers, LONG)
            answers.append(bool(answer))
        if kind == "sum" and not answers[1] and key not in known:
            # It leaves a zero behind for a sum that it refused; Redis does not.
            del stub.db[key]
        assert answers[0] == answers[1], (kind, key, numbers)


@pytest.fixture
def expired(backend):
    backend.add("k", 5, LONG)
    Counter.objects.update(expires_at="2000-01-01T00:00Z")


def test_a_counter_past_its_time_can_be_added_again(backend, expired):
    assert backend.add("k", 1, LONG)
    assert Counter.objects.get().value == 1


def test_a_counter_past_its_time_counts_from_zero(backend, expired):
    assert not backend.decr("k", 1, 0, LONG)
    assert backend.incr("k", 2, 2, LONG)
    assert Counter.objects.get().value == 2


def test_a_counter_past_its_time_adds_nothing_to_a_sum(backend, expired):
    assert backend.incr_and_sum("other", lambda: ["k", "other"], 1, 1, LONG)


def test_every_change_that_is_allowed_starts_the_time_anew(backend):
    backend.add("k", 1, LONG)
    before = Counter.objects.get().expires_at
    assert not backend.incr("k", 9, 5, LONG * 9)
    assert Counter.objects.get().expires_at == before
    assert backend.decr("k", 1, 0, LONG * 9)
    assert Counter.objects.get().expires_at > before


def test_a_key_may_have_any_length(backend):
    assert backend.add("k" * 1000, 1, LONG)
    backend.wait_notify("k" * 10_000, LONG)


@committed
def test_concurrent_counting_loses_nothing(backend):
    def work():
        return [backend.incr("k", 1, 50, LONG) for _ in range(10)]

    answers = together(work, 8)
    assert sum(map(sum, answers)) == 50
    assert Counter.objects.get().value == 50


@committed
def test_a_sum_is_never_exceeded_by_keys_that_are_counted_at_once(backend):
    """Two seconds of one window are two rows, and both may be new."""
    numbers = iter(range(80))
    keys = [f"w@{second}" for second in range(8)]

    def work():
        return [
            backend.incr_and_sum(keys[next(numbers) % 8], lambda: keys, 1, 5, LONG)
            for _ in range(5)
        ]

    assert sum(map(sum, together(work, 8))) == 5


@committed
def test_the_keys_of_a_sum_are_asked_inside_the_critical_section(backend):
    def keys():
        assert connection.in_atomic_block
        return ["k"]

    assert backend.incr_and_sum("k", keys, 1, 1, LONG)


# --- Dramatiq's limiters -------------------------------------------------------


def test_a_mutex_lets_one_in_and_is_free_again_afterwards(backend):
    mutex = ConcurrentRateLimiter(backend, "m", limit=1)
    with mutex.acquire():
        with pytest.raises(RateLimitExceeded):
            with mutex.acquire():
                pytest.fail("two are in")
    with mutex.acquire(raise_on_failure=False) as acquired:
        assert acquired


@committed
def test_a_concurrent_limiter_lets_as_many_in_as_it_says(backend):
    limiter = ConcurrentRateLimiter(backend, "m", limit=4)
    all_asked = threading.Barrier(16)

    def work():
        with limiter.acquire(raise_on_failure=False) as acquired:
            all_asked.wait(20)
        return acquired

    assert together(work, 16).count(True) == 4


def test_a_bucket_holds_so_many_and_the_next_bucket_is_empty(backend, monkeypatch):
    now = 1_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    limiter = BucketRateLimiter(backend, "b", limit=3, bucket=10_000)

    def granted():
        answers = []
        for _ in range(5):
            with limiter.acquire(raise_on_failure=False) as acquired:
                answers.append(acquired)
        return answers

    assert granted() == [True] * 3 + [False] * 2
    now += 10
    assert granted() == [True] * 3 + [False] * 2


def test_a_window_slides(backend, monkeypatch):
    now = 1_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    limiter = WindowRateLimiter(backend, "w", limit=2, window=5)

    def granted():
        with limiter.acquire(raise_on_failure=False) as acquired:
            return acquired

    answers = []
    for _ in range(10):
        answers.append(granted())
        now += 1
    assert answers == [True, True, False, False, False] * 2


# --- barriers ------------------------------------------------------------------


def test_a_barrier_opens_with_the_last_party(backend):
    barrier = Barrier(backend, "b", ttl=LONG)
    assert barrier.create(parties=2)
    assert not barrier.create(parties=10)
    assert not barrier.wait(block=False)
    assert barrier.wait(block=False)


@committed
def test_both_parties_go_on_at_the_same_moment(backend):
    barrier = Barrier(backend, "b", ttl=LONG)
    barrier.create(parties=2)

    def work():
        assert barrier.wait(timeout=10_000)
        return time.monotonic()

    first, second = together(work, 2)
    # Far below the second after which a waiter looks by itself.
    assert abs(first - second) < 0.3


def test_a_barrier_that_stays_shut_times_out(backend):
    barrier = Barrier(backend, "b", ttl=LONG)
    barrier.create(parties=2)
    assert not barrier.wait(timeout=50)


def test_a_signal_that_came_before_its_waiter_is_not_lost(backend):
    backend.wait_notify("s", LONG)
    assert backend.wait("s", 10)
    assert backend.wait("s", 10), "it stays for others"


def test_a_signal_is_forgotten_after_its_time(backend):
    backend.wait_notify("s", LONG)
    Signal.objects.update(expires_at="2000-01-01T00:00Z")
    assert not backend.wait("s", 10)


def test_a_signal_counts_only_when_it_is_committed(backend):
    with transaction.atomic():
        backend.wait_notify("s", LONG)
        transaction.set_rollback(True)
    assert not backend.wait("s", 10)
