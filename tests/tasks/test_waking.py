"""Waiting by notification: prompt, and nothing lost when notifications are."""

from __future__ import annotations

import contextlib
import threading
import time

import psycopg
import pytest
from django.db import connection

from tasks import waking
from tasks.limits import PostgresRateLimiterBackend
from tasks.waking import Listener, listener, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

LISTENING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'listener' AND datname = current_database()"


@pytest.fixture
def in_thread():
    """Run functions in threads that are ended, with their connections, afterwards."""
    threads = []

    def start(function):
        def run():
            try:
                function()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        threads.append(thread)
        return thread

    yield start
    for thread in threads:
        thread.join(20)


def listening_pids():
    with connection.cursor() as cursor:
        cursor.execute(LISTENING)
        return [row[0] for row in cursor.fetchall()]


def test_a_waiter_is_woken_long_before_it_would_look_again(
    monkeypatch, in_thread, wait_until
):
    monkeypatch.setattr(waking, "LOOK_SECONDS", 30.0)
    backend, answers = PostgresRateLimiterBackend(), []
    waiter = in_thread(lambda: answers.append(backend.wait("s", 20_000)))
    wait_until(lambda: listener.is_listening)
    backend.wait_notify("s", 60_000)
    waiter.join(10)
    assert answers == [True]


def test_many_waiters_share_one_connection(in_thread, wait_until):
    backend = PostgresRateLimiterBackend()
    waiters = [in_thread(lambda: backend.wait("s", 20_000)) for _ in range(6)]
    wait_until(lambda: len(listener._waiting) == 6 and listener.is_listening)
    assert len(listening_pids()) == 1
    backend.wait_notify("s", 60_000)
    for waiter in waiters:
        waiter.join(10)
    assert not listener._waiting


def test_a_broken_connection_is_replaced_and_waiters_look_again(
    monkeypatch, in_thread, wait_until
):
    monkeypatch.setattr(waking, "RECONNECT_SECONDS", 0.05)
    monkeypatch.setattr(waking, "LOOK_SECONDS", 30.0)
    backend, answers = PostgresRateLimiterBackend(), []
    waiter = in_thread(lambda: answers.append(backend.wait("s", 20_000)))
    wait_until(lambda: listener.is_listening)
    (pid,) = listening_pids()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    wait_until(lambda: listening_pids() not in ([], [pid]))
    backend.wait_notify("s", 60_000)
    waiter.join(10)
    assert answers == [True]


def test_without_notifications_the_row_is_found_all_the_same(monkeypatch, in_thread):
    def refuse(**_):
        raise psycopg.OperationalError("too many connections")

    monkeypatch.setattr(waking, "_connection_parameters", refuse)
    monkeypatch.setattr(waking, "READY_SECONDS", 0.01)
    monkeypatch.setattr(waking, "RECONNECT_SECONDS", 0.01)
    backend, answers = PostgresRateLimiterBackend(), []
    waiter = in_thread(lambda: answers.append(backend.wait("s", 20_000)))
    backend.wait_notify("s", 60_000)
    waiter.join(5)
    assert answers == [True]


def test_what_is_committed_between_the_first_look_and_listening_is_seen():
    looks = []

    def look():
        looks.append(listener.is_listening)
        return True if looks[-1] else None

    assert wait_for(["anything"], look, 10)
    assert looks == [False, True]


def test_what_is_there_already_costs_no_connection():
    own = Listener()
    assert wait_for(["anything"], lambda: "there", None) == "there"
    assert own._thread is None
    assert not listening_pids()


def test_the_connection_goes_when_nobody_waits_any_more(monkeypatch, wait_until):
    monkeypatch.setattr(waking, "IDLE_SECONDS", 0.05)
    assert wait_for(["anything"], lambda: None, 0.01) is None
    wait_until(lambda: not listening_pids())
    assert not listener.is_listening


def test_a_listener_that_is_stopped_starts_again(wait_until):
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            stack.enter_context(listener.waiting(["anything"]))
            wait_until(lambda: listener.is_listening)
        started = time.monotonic()
        listener.stop()
        assert time.monotonic() - started < 2
        wait_until(lambda: not listening_pids())
