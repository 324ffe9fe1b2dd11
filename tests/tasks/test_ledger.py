<<<<<<< HEAD
"""The guard around every run: interrupts strike bodies and never finishes."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime

import pytest

from fliptech_site.errors import Cancelled
from tasks.current import Claim
from tasks.ledger import Ledger


@pytest.fixture
def held():
    now = datetime.now(UTC)
    return Claim(uuid.uuid4(), 1, "trial_add", [], {}, {}, 0, 5, now, None)


@pytest.fixture
def ledger(held):
    ledger = Ledger()
    ledger._running[threading.get_ident()] = held
    return ledger


def test_a_running_body_can_be_interrupted(ledger, held):
    with pytest.raises(Cancelled):
        ledger.interrupt(threading.get_ident(), held, Cancelled)
        for _ in range(1000):
            threading.get_ident()  # it strikes between two steps of the body


def test_a_finish_is_never_interrupted(ledger, held):
    ledger._protect()
    assert not ledger.interrupt(threading.get_ident(), held, Cancelled)


def test_another_claim_in_the_same_thread_is_not_interrupted(ledger, held):
    ledger._running[threading.get_ident()] = object()
    assert not ledger.interrupt(threading.get_ident(), held, Cancelled)


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


def test_an_interrupt_that_comes_too_late_is_dropped(ledger):
    ledger._lock = _StruckLock()
    ledger._protect()
    assert ledger._ending == {threading.get_ident()}
=======
"""The guard before every run: no claim, no run, whatever the reason."""

from __future__ import annotations

import uuid

import pytest
from django.db import OperationalError
from dramatiq import Message, MessageProxy
from dramatiq.middleware import SkipMessage

from tasks import claiming, ledger
from tasks.broker import get_broker
from tasks.current import current_claim
from tasks.enqueueing import enqueue
from tasks.models import Task
from tasks.states import State


def message_for(task_id):
    return MessageProxy(
        Message("default", "trial_add", (), {}, {}, message_id=str(task_id))
    )


@pytest.fixture
def guard(monkeypatch):
    # The test's own transaction lives on the connection that would be closed.
    monkeypatch.setattr(ledger, "close_old_connections", lambda: None)
    monkeypatch.setattr(ledger, "DATABASE_PAUSE_SECONDS", 0)
    return ledger.Ledger()


@pytest.mark.django_db
def test_a_claimed_message_carries_the_rows_arguments(guard):
    message = message_for(enqueue("trial_add", a=1, b=2))
    guard.before_process_message(get_broker(), message)
    assert message.kwargs == {"a": 1, "b": 2}
    guard.after_process_message(get_broker(), message, result=3)
    assert Task.objects.get().result == 3
    assert current_claim() is None


@pytest.mark.django_db
@pytest.mark.parametrize("task_id", [uuid.uuid4(), "no-uuid"])
def test_a_message_without_a_row_never_runs(guard, task_id):
    with pytest.raises(SkipMessage):
        guard.before_process_message(get_broker(), message_for(task_id))


def test_with_the_database_gone_the_message_goes_back_and_nothing_runs(
    guard, monkeypatch
):
    tries = []

    def away(*_):
        tries.append(1)
        if len(tries) == 3:
            guard.is_stopping.set()
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(claiming, "claim", away)
    message = message_for(uuid.uuid4())
    with pytest.raises(SkipMessage):
        guard.before_process_message(get_broker(), message)
    assert len(tries) == 3
    assert message.give_back


@pytest.mark.django_db
def test_a_finish_survives_a_database_that_is_away_for_a_moment(guard, monkeypatch):
    message = message_for(enqueue("trial_add", a=1, b=2))
    guard.before_process_message(get_broker(), message)
    real, tries = claiming.succeed, []

    def flaky(*arguments):
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("server closed the connection")
        return real(*arguments)

    monkeypatch.setattr(claiming, "succeed", flaky)
    guard.after_process_message(get_broker(), message, result=3)
    assert Task.objects.get().state == State.SUCCEEDED
>>>>>>> d7275de (tasks: Test workers, the guard, commands and pages on real servers)
