"""A running task is asked to stop: politely, then by an interrupt, with its programs."""

from __future__ import annotations

import os
import signal
import time
from uuid import uuid4

import pytest

from fliptech_site.errors import Cancelled
from tasks.cancelling import (
    CLEAR_UP_SECONDS,
    POLITE_SECONDS,
    ask_to_stop,
    check_cancelled,
    is_cancelled,
)
from tasks.controlling import cancel
from tasks.current import Claim, set_current_claim
from tasks.enqueueing import enqueue
from tasks.models import Attempt, Task, Worker
from tasks.states import FINISHED, State
from tests.tasks import trial_actors
from tests.tasks.test_subprocesses import TREE, processes_with


@pytest.fixture
def held():
    claim = Claim(uuid4(), 1, "a", "default", 5, [], {}, {}, 0, 5, None)
    set_current_claim(claim)
    yield claim
    set_current_claim(None)


# --- deciding ---------------------------------------------------------------------------


def test_outside_a_task_nobody_is_cancelled():
    assert not is_cancelled()
    check_cancelled()


def test_a_body_that_listens_is_told_first_and_struck_later(held):
    assert not is_cancelled()
    assert not ask_to_stop(held, is_polite=True, now=100.0)
    assert is_cancelled()
    with pytest.raises(Cancelled):
        check_cancelled()
    assert not ask_to_stop(held, is_polite=True, now=100.0 + POLITE_SECONDS - 0.1)
    assert ask_to_stop(held, is_polite=True, now=100.0 + POLITE_SECONDS)


def test_a_body_that_never_asks_is_struck_at_once(held):
    assert ask_to_stop(held, is_polite=True, now=100.0)


def test_a_body_that_lost_its_claim_is_struck_even_if_it_listens(held):
    is_cancelled()
    assert ask_to_stop(held, is_polite=False, now=100.0)


def test_a_struck_body_has_time_to_clear_up_before_the_next_strike(held):
    held.stop.asked_at, held.stop.struck_at = 90.0, 100.0
    later = 100.0 + CLEAR_UP_SECONDS
    assert not ask_to_stop(held, is_polite=False, now=later - 0.1)
    assert ask_to_stop(held, is_polite=False, now=later)


@pytest.mark.django_db
def test_asking_costs_no_query(held, django_assert_num_queries):
    with django_assert_num_queries(0):
        for _ in range(1000):
            check_cancelled()


# --- real workers -------------------------------------------------------------------------


@pytest.fixture
def worker(rabbitmq, start_process, wait_until):
    process = start_process("worker", "--queues=default", "--threads=2")
    wait_until(lambda: Worker.objects.exists())
    return process


def is_finished(task_id):
    return Task.objects.filter(pk=task_id, state__in=FINISHED).exists()


@pytest.mark.django_db(transaction=True)
def test_a_body_that_listens_clears_up_undisturbed(worker, effects, wait_until):
    task_id = enqueue("trial_listen")
    wait_until(effects)
    assert cancel(task_id) == State.RUNNING
    asked_at = time.monotonic()
    wait_until(lambda: is_finished(task_id))
    # A heartbeat of 2 s, and 2.5 s to clear up, through another heartbeat.
    assert time.monotonic() - asked_at < 2 + 2.5 + 4
    assert Task.objects.get().state == State.CANCELLED
    assert effects() == ["began", "cleared up"]


@pytest.mark.django_db(transaction=True)
def test_a_thread_in_a_system_call_is_freed_by_the_end_of_its_program(
    worker, effects, wait_until
):
    tag = uuid4().hex
    task_id = enqueue_with(TREE, tag)
    wait_until(lambda: effects() and len(processes_with(tag)) >= 3)
    cancel(task_id)
    asked_at = time.monotonic()
    wait_until(lambda: is_finished(task_id))
    assert time.monotonic() - asked_at < 2 + 4
    assert Task.objects.get().state == State.CANCELLED
    assert not processes_with(tag), "nothing outlives its task"


@pytest.mark.django_db(transaction=True)
def test_a_program_does_not_outlive_a_killed_worker(worker, effects, wait_until):
    tag = uuid4().hex
    enqueue_with(TREE, tag)
    wait_until(lambda: effects() and len(processes_with(tag)) >= 3)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not processes_with(tag), 6)


@pytest.mark.django_db(transaction=True)
def test_a_program_does_not_outlive_the_time_limit(worker, effects, wait_until):
    tag = uuid4().hex
    task_id = enqueue_with(TREE, tag, "trial_overrun_program")
    wait_until(lambda: is_finished(task_id))
    assert Attempt.objects.get().error_class == "TimeLimitExceeded"
    assert not processes_with(tag)


def enqueue_with(tree, tag, actor="trial_wait_for_program"):
    """Enqueue a program of several processes, each of which shows the tag."""
    message = getattr(trial_actors, actor).send(*tree(tag))
    return message.message_id
