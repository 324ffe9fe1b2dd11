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
