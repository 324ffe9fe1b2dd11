"""How workers take messages: at the claim, in groups, and never more than they can run."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import transaction

from tasks.broker import queue_arguments, rabbitmq_queue
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Attempt, Task, Worker
from tasks.states import FINISHED, State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def start_worker(rabbitmq, start_process, wait_until):
    def start(threads=1, queues="default"):
        before = Worker.objects.count()
        process = start_process("worker", f"--queues={queues}", f"--threads={threads}")
        started.append(process)
        wait_until(lambda: Worker.objects.count() > before)
        return process

    started = []
    yield start
    for process in started:
        # What still sleeps need not be waited for.
        process.kill()


def finished(ids):
    return Task.objects.filter(pk__in=ids, state__in=FINISHED).count() == len(ids)


def is_running(task_id):
    return Task.objects.get(pk=task_id).state == State.RUNNING


def in_rabbitmq(rabbitmq, queue="default"):
    """Return (messages ready, consumers)."""
    answer = rabbitmq.queue_declare(
        rabbitmq_queue(queue), durable=True, arguments=queue_arguments()
    )
    return answer.method.message_count, answer.method.consumer_count


def test_a_running_task_holds_no_message(rabbitmq, start_worker, wait_until):
    """So consumer_timeout never meets it, and a lost connection brings no second copy."""
    start_worker()
    task_id = enqueue("trial_sleep", seconds=30)
    wait_until(lambda: is_running(task_id))
    os.kill(Worker.objects.get().pid, signal.SIGKILL)
    wait_until(lambda: in_rabbitmq(rabbitmq)[1] == 0)
    assert in_rabbitmq(rabbitmq) == (0, 0)


def test_a_worker_whose_queue_was_deleted_serves_the_new_one(
    rabbitmq, start_worker, wait_until
):
    start_worker()
    wait_until(lambda: in_rabbitmq(rabbitmq)[1] == 1)
    rabbitmq.queue_delete(rabbitmq_queue("default"))
    wait_until(lambda: in_rabbitmq(rabbitmq)[1] == 1)


def test_a_busy_worker_keeps_no_messages_from_an_idle_one(
    rabbitmq, start_worker, wait_until
):
    start_worker()
    long = enqueue("trial_sleep", seconds=20)
    wait_until(lambda: is_running(long))
    short = enqueue_many("trial_add", [{"a": n, "b": 1} for n in range(6)])
    wait_until(lambda: in_rabbitmq(rabbitmq) == (6, 0), 5)
    start_worker()
    wait_until(lambda: finished(short))
    assert is_running(long)


def test_what_was_taken_ahead_goes_back_when_a_long_task_comes_first(
    rabbitmq, start_worker, wait_until
):
    # One publisher at a time, so that RabbitMQ has them in this order.
    with transaction.atomic():
        enqueue_many("trial_add", [{"a": n, "b": 1} for n in range(400)])
        long = enqueue("trial_sleep", seconds=20)
        short = enqueue_many("trial_add", [{"a": n, "b": 2} for n in range(60)])
    wait_until(lambda: in_rabbitmq(rabbitmq)[0] == 461)
    start_worker()
    wait_until(lambda: is_running(long))
    start_worker()
    wait_until(lambda: finished(short))
    assert is_running(long)
    returned = Attempt.objects.filter(outcome=Attempt.Outcome.RETURNED)
    assert set(returned.values_list("task__failures", flat=True)) <= {0}


def test_after_a_pause_the_more_urgent_queue_comes_first(
    rabbitmq, effects, start_worker, wait_until
):
    start_worker(queues="email,default,demo")
    long = enqueue("trial_sleep", seconds=1.5)
    wait_until(lambda: is_running(long))
    ids = [enqueue("trial_patient", name="2") for _ in range(3)]
    ids += [enqueue("trial_urgent", name="1") for _ in range(3)]
    wait_until(lambda: in_rabbitmq(rabbitmq, "demo") == (3, 0))
    wait_until(lambda: finished([*ids, long]))
    tasks = Task.objects.filter(pk__in=ids).order_by("started_at")
    assert [task.queue for task in tasks] == ["email"] * 3 + ["demo"] * 3


def test_a_task_of_an_unknown_actor_waits_for_a_worker_that_knows_it(
    start_worker, wait_until
):
    with transaction.atomic():
        task_id = enqueue("trial_add", a=1, b=2)
        Task.objects.filter(pk=task_id).update(actor="of_the_next_version")
    start_worker()
    wait_until(lambda: Attempt.objects.filter(task=task_id).exists())
    task = Task.objects.get(pk=task_id)
    assert (task.state, task.failures) == (State.SCHEDULED, 0)
    assert "does not know the actor 'of_the_next_version'" in task.error_message


def test_an_end_that_can_not_be_stored_fails_its_own_task_only(
    start_worker, wait_until
):
    ids = [enqueue("trial_surrogate"), enqueue("trial_add", a=1, b=2)]
    start_worker(threads=2)
    wait_until(lambda: finished(ids))
    refused, fine = (Task.objects.get(pk=task_id) for task_id in ids)
    assert (refused.state, fine.state) == (State.FAILED, State.SUCCEEDED)
    assert "can't be stored" in refused.error_message
