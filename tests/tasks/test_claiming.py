"""Claims: one winner, fenced by the attempt."""

from __future__ import annotations

import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import pytest
from django.db import connection, transaction

from tasks import claiming, keeping, recording
from tasks.controlling import cancel, retry
from tasks.current import set_current_claim
from tasks.enqueueing import enqueue
from tasks.models import Attempt, Task
from tasks.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def held():
    return claiming.claim(enqueue("trial_add", a=1, b=2), worker_id=None)


def test_a_claim_hands_over_the_arguments_and_counts_the_run(held):
    task = Task.objects.get(pk=held.task_id)
    assert held.kwargs == {"a": 1, "b": 2}
    assert (task.state, task.attempt, held.attempt) == (State.RUNNING, 1, 1)
    assert task.lease_until > task.started_at


def test_a_duplicate_message_finds_nothing_to_claim(held):
    assert claiming.claim(held.task_id, worker_id=None) is None


@pytest.mark.parametrize("state", [State.SCHEDULED, State.CANCELLED, State.SUCCEEDED])
def test_only_a_queued_task_can_be_claimed(state):
    task = Task.objects.create(actor="trial_add", queue="default", state=state)
    assert claiming.claim(task.pk, worker_id=None) is None


def test_an_unknown_id_can_not_be_claimed():
    assert claiming.claim(uuid.uuid4(), worker_id=None) is None


def test_success_keeps_result_and_attempt(held):
    assert claiming.succeed(held, {"sum": 3})
    task = Task.objects.get(pk=held.task_id)
    assert (task.state, task.result, task.failures) == (State.SUCCEEDED, {"sum": 3}, 0)
    assert [a.outcome for a in task.attempts.all()] == [Attempt.Outcome.SUCCEEDED]


def test_an_overtaken_run_can_neither_finish_nor_leave_an_attempt(held):
    late = replace(held, attempt=held.attempt - 1)
    assert not claiming.succeed(late, "late")
    assert not claiming.fail(late, error_class="E", message="m", traceback="t")
    assert not Attempt.objects.exists()
    assert Task.objects.get(pk=held.task_id).state == State.RUNNING


def test_a_retry_burns_an_attempt_and_a_deferral_does_not(held):
    error = {"error_class": "E", "message": "m", "traceback": "t"}
    assert claiming.retry(held, delay_seconds=60, is_burnt=False, **error)
    task = Task.objects.get(pk=held.task_id)
    assert (task.state, task.failures, task.status) == (State.SCHEDULED, 0, "retrying")
    Task.objects.update(state=State.QUEUED)
    again = claiming.claim(held.task_id, worker_id=None)
    assert claiming.retry(again, delay_seconds=60, is_burnt=True, **error)
    assert Task.objects.get(pk=held.task_id).failures == 1
    assert list(Attempt.objects.values_list("outcome", flat=True)) == [
        "deferred",
        "retried",
    ]


def test_a_task_given_back_is_owed_again_and_unburnt(held):
    assert claiming.give_back(held)
    task = Task.objects.get(pk=held.task_id)
    assert (task.state, task.published_at, task.failures) == (State.QUEUED, None, 0)


def test_completing_in_a_transaction_commits_with_it_or_not_at_all(held):
    set_current_claim(held)
    try:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            claiming.complete("once")
            raise ZeroDivisionError
        assert Task.objects.get(pk=held.task_id).state == State.RUNNING
        with transaction.atomic():
            claiming.complete("once")
        assert Task.objects.get(pk=held.task_id).result == "once"
        with pytest.raises(claiming.LostClaim), transaction.atomic():
            claiming.complete("twice")
    finally:
        set_current_claim(None)


def test_extending_tells_which_claims_are_lost_and_which_shall_stop(held):
    other = claiming.claim(enqueue("trial_add", a=1, b=2), worker_id=None)
    lost = replace(other, attempt=9)
    cancel(held.task_id)
    kept, to_stop = keeping.extend([held, lost])
    assert (kept, to_stop) == ({held.task_id}, {held.task_id})


def test_nul_characters_in_errors_and_results_do_no_harm(held):
    assert claiming.succeed(held, "a\x00b")
    assert Task.objects.get(pk=held.task_id).result == "ab"


def test_a_waiting_task_is_cancelled_and_can_be_run_again():
    task_id = enqueue("trial_add", a=1, b=2)
    assert cancel(task_id) == State.CANCELLED
    assert claiming.claim(task_id, worker_id=None) is None
    retry(task_id)
    assert claiming.claim(task_id, worker_id=None) is not None


@pytest.mark.django_db(transaction=True)
def test_of_many_threads_one_wins_the_claim():
    task_id = enqueue("trial_add", a=1, b=2)
    barrier, wins = threading.Barrier(8), []

    def run():
        barrier.wait()
        won = claiming.claim(task_id, worker_id=None)
        if won:
            wins.append(won)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1


def test_a_task_asked_for_twice_in_one_group_is_given_once():
    task_id, other = enqueue("trial_add", a=1, b=2), enqueue("trial_add", a=3, b=4)
    first, second, third = claiming.claim_together([task_id, other, task_id], None)
    assert (first.kwargs, second.kwargs, third) == (
        {"a": 1, "b": 2},
        {"a": 3, "b": 4},
        None,
    )
    assert Task.objects.get(pk=task_id).attempt == 1


def test_of_a_group_of_endings_only_the_overtaken_are_refused(held):
    endings = []
    other = claiming.claim(enqueue("trial_add", a=1, b=2), worker_id=None)
    late = replace(claiming.claim(enqueue("trial_add", a=1, b=2), None), attempt=9)
    error = {"error_class": "E", "message": "m", "traceback": "t"}
    claiming.succeed(held, 1, end=endings.append)
    claiming.retry(other, delay_seconds=60, is_burnt=True, **error, end=endings.append)
    claiming.succeed(late, 3, end=endings.append)
    assert recording.end_together(endings) == [True, True, False]
    states = {task.pk: (task.state, task.result) for task in Task.objects.all()}
    assert states[held.task_id] == (State.SUCCEEDED, 1)
    assert states[other.task_id] == (State.SCHEDULED, None)
    assert states[late.task_id] == (State.RUNNING, None)
    assert Attempt.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_somebody_else_is_writing_counts_as_held(held):
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Task.objects.select_for_update().get(pk=held.task_id)
        assert pool.submit(_extend_elsewhere, held).result(10) == {held.task_id}


def _extend_elsewhere(held):
    try:
        return keeping.extend([held])[0]
    finally:
        connection.close()


def test_rows_are_found_by_their_id_whatever_the_statistics_say(held):
    ending = []
    claiming.succeed(held, 1, end=ending.append)
    columns = {
        field.name: [getattr(ending[0], field.name)] for field in fields(ending[0])
    }
    values = {
        "tasks": [held.task_id],
        "attempts": [1],
        "worker": 1,
        "lease": 30,
        **columns,
    }
    for statement in (claiming._CLAIM_OPEN, recording._END, keeping._EXTEND):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", values)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert not re.search("tasks_task_(lease|backlog|owed)_idx", plan), plan
