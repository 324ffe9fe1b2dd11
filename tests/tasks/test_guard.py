"""The guard before every run: no claim, no run, whatever the reason."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone
from dramatiq import Message, MessageProxy
from dramatiq.middleware import SkipMessage

from fliptech_site.errors import PermanentError, TransientError
from tasks import claiming, controlling, ledger, recording
from tasks.broker import get_broker
from tasks.current import current_claim
from tasks.declaring import find_actor
from tasks.enqueueing import enqueue
from tasks.models import Attempt, Task
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
    guard = ledger.Ledger()
    # Here instead of in threads of their own, which would not see this transaction.
    monkeypatch.setattr(
        guard._claims, "ask", lambda ids: claiming.claim_together(ids, None)
    )
    monkeypatch.setattr(guard._endings, "put", lambda _, end: recording.end_alone(end))
    return guard


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


def test_with_the_database_gone_nothing_runs(guard, monkeypatch):
    tries = []

    def away(*_):
        tries.append(1)
        if len(tries) == 3:
            guard.is_stopping.set()
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(guard._claims, "ask", away)
    message = message_for(uuid.uuid4())
    with pytest.raises(SkipMessage):
        guard.before_process_message(get_broker(), message)
    assert len(tries) == 3


@pytest.mark.django_db
def test_a_failure_is_decided_when_the_database_is_back(guard, monkeypatch):
    message = message_for(enqueue("trial_add", a=1, b=2))
    guard.before_process_message(get_broker(), message)
    tries = []

    def flaky(held):
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("server closed the connection")
        return timedelta(0)

    monkeypatch.setattr(ledger, "_age_of_tries", flaky)
    guard.after_process_message(get_broker(), message, exception=PermanentError("no"))
    assert Task.objects.get().state == State.FAILED


@pytest.mark.django_db
def test_a_claim_is_kept_until_its_end_is_committed(guard, monkeypatch):
    handed = []
    monkeypatch.setattr(guard._endings, "put", lambda *end: handed.append(end))
    guard.before_process_message(
        get_broker(), message_for(enqueue("trial_add", a=1, b=2))
    )
    held = current_claim()
    guard.after_process_message(get_broker(), message_for(held.task_id), result=3)
    assert guard.holding.running() == {}
    assert guard.holding.everything() == [held]
    guard.holding.forget([held])
    assert guard.holding.everything() == []


def fail_once(guard, task_id):
    message = message_for(task_id)
    guard.before_process_message(get_broker(), message)
    guard.after_process_message(get_broker(), message, exception=TransientError("x"))
    return Task.objects.get(pk=task_id).state


@pytest.mark.django_db
def test_the_age_of_a_task_counts_from_its_first_run_not_from_its_enqueueing(guard):
    long_ago = timezone.now() - timedelta(days=10)
    task_id = enqueue("trial_add", a=1, b=2)
    Task.objects.filter(pk=task_id).update(created_at=long_ago)
    assert fail_once(guard, task_id) == State.SCHEDULED

    Attempt.objects.update(started_at=long_ago)
    Task.objects.filter(pk=task_id).update(state=State.QUEUED)
    assert fail_once(guard, task_id) == State.FAILED
    assert "first tried more than 2 days" in Task.objects.get(pk=task_id).error_message

    controlling.retry(task_id)
    assert fail_once(guard, task_id) == State.SCHEDULED


@pytest.mark.django_db
def test_a_failure_is_logged_as_an_error_and_another_try_is_not(guard, caplog):
    caplog.set_level("INFO", logger="tasks.ledger")
    for error in (PermanentError("this can't be helped"), TransientError("not now")):
        message = message_for(enqueue("trial_add", a=1, b=2))
        guard.before_process_message(get_broker(), message)
        guard.after_process_message(get_broker(), message, exception=error)

    (failed, retried) = caplog.records
    assert (failed.levelname, retried.levelname) == ("ERROR", "INFO")
    assert failed.getMessage().endswith("failed: this can't be helped")
    assert retried.getMessage().endswith("is tried again: not now")


def test_dramatiq_is_told_to_expect_the_errors_raised_on_purpose():
    """What it doesn't expect it logs as unhandled, with a traceback."""
    throws = find_actor("trial_add").options["throws"]
    assert issubclass(TransientError, throws)
    assert not issubclass(RuntimeError, throws)
