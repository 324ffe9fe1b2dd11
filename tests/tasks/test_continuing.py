"""Dramatiq's pipelines, groups and limiters on a real worker process."""

from __future__ import annotations

import uuid

import pytest
from dramatiq import group, pipeline
from dramatiq.results import ResultFailure, ResultMissing

from fliptech_site.errors import PermanentError
from tasks import claiming
from tasks.claiming import complete
from tasks.current import set_current_claim
from tasks.enqueueing import enqueue
from tasks.models import Counter, Task
from tasks.states import FINISHED, State
from tests.tasks.trial_actors import (
    trial_add,
    trial_effect,
    trial_fail,
    trial_sleep,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(rabbitmq, start_process):
    return start_process("worker", "--queues=default", "--threads=4")


def run(message):
    """Claim the task of a message, as a worker would."""
    return claiming.claim(uuid.UUID(message.message_id), None)


def queued():
    return Task.objects.filter(state=State.QUEUED).count()


# --- with a worker ---------------------------------------------------------------


def test_pipelines_run_through(worker):
    pipe = trial_add.message(1, 2) | (trial_add.message(3) | trial_add.message(4))
    pipe.run()
    with pytest.raises(ResultMissing):
        list(pipe.get_results())
    assert pipe.get_result(block=True, timeout=20_000) == 10
    assert list(pipe.get_results()) == [3, 6, 10]
    assert pipe.completed
    assert pipe.completed_count == 3
    ignoring = trial_add.message(1, 2) | trial_add.message_with_options(
        args=(5, 5), pipe_ignore=True
    )
    assert ignoring.run().get_result(block=True, timeout=20_000) == 10


def test_groups_give_all_results_and_call_back_once(worker, effects, wait_until):
    inner = group([trial_add.message(n, 1) for n in range(3)])
    pipe = trial_add.message(10, 10) | trial_add.message(10)
    whole = group([inner, pipe, trial_add.message(7, 7)]).run()
    assert list(whole.get_results(block=True, timeout=20_000)) == [[1, 2, 3], 30, 14]
    assert whole.completed
    called = group([trial_add.message(n, 1) for n in range(5)] + [pipe])
    # The same pipeline again: its messages are the same tasks, so nothing runs twice.
    called.children[-1] = trial_add.message(1, 1) | trial_add.message(1)
    for name in ("all", "done"):
        called.add_completion_callback(trial_effect.message(name))
    called.run().wait(timeout=20_000)
    wait_until(lambda: effects() == ["all", "done"])
    assert called.completed_count == 6


def test_a_refused_limiter_of_dramatiqs_burns_no_attempt(
    worker, start_process, effects, wait_until
):
    start_process("scheduler")
    ids = [enqueue("trial_limited", key="m") for _ in range(4)]
    wait_until(
        lambda: Task.objects.filter(pk__in=ids, state__in=FINISHED).count() == 4, 40
    )
    # The scheduler may have planned a standing order meanwhile.
    ends = Task.objects.filter(pk__in=ids).values_list("state", "failures")
    assert set(ends) == {("succeeded", 0)}
    assert effects() == ["in"] * 4 + ["out"] * 4


# --- the end and what follows are one ---------------------------------------------


@pytest.fixture
def pipe():
    pipe = trial_add.message(1, 2) | trial_add.message(3)
    pipe.run()
    return pipe


def test_the_next_is_enqueued_with_the_end_of_the_one_before(pipe):
    held = run(pipe.messages[0])
    assert queued() == 0
    claiming.succeed(held, 3)
    following = Task.objects.get(pk=pipe.messages[1].message_id)
    assert (following.args, following.state) == ([3, 3], State.QUEUED)


def test_a_run_that_lost_its_claim_sets_nothing_going(pipe):
    stale = run(pipe.messages[0])
    claiming.give_back(stale)
    assert not claiming.succeed(stale, 3)
    assert Task.objects.count() == 1


def test_when_the_next_can_not_be_enqueued_nothing_has_ended(pipe, monkeypatch):
    held = run(pipe.messages[0])

    def away(*_):
        raise ConnectionError("the database is away")

    monkeypatch.setattr("tasks.enqueueing.store_message", away)
    with pytest.raises(ConnectionError):
        claiming.succeed(held, 3)
    assert Task.objects.get().state == State.RUNNING


def test_a_body_that_completes_itself_sets_the_next_going(pipe):
    set_current_claim(run(pipe.messages[0]))
    try:
        complete(3)
    finally:
        set_current_claim(None)
    assert queued() == 1


def test_a_step_that_the_next_does_not_take_fails_and_says_why(worker):
    pipe = pipeline([trial_add.message(1, 2), trial_sleep.message(1)]).run()
    with pytest.raises(ResultFailure, match=r"could not be enqueued.*trial_sleep"):
        pipe.messages[0].get_result(block=True, timeout=20_000)


# --- callbacks ----------------------------------------------------------------------


def callback_of(options):
    """Claim a task that asks for a callback; return it, and where callbacks stand."""
    held = run(trial_add.send_with_options(args=(1, 2), **options))
    return held, Task.objects.filter(actor="trial_effect")


def test_success_calls_back_in_the_transaction_that_ends_the_run():
    held, called = callback_of({"on_success": "trial_effect"})
    claiming.succeed(held, 3)
    message, result = called.get().args
    assert (message["message_id"], message["args"], result) == (
        str(held.task_id),
        [1, 2],
        3,
    )
    assert not claiming.succeed(held, 3)
    assert called.count() == 1


def test_only_the_last_failure_calls_back():
    held, called = callback_of({"on_failure": "trial_effect"})
    told = {"error_class": "ValueError", "message": "no", "traceback": ""}
    claiming.retry(held, delay_seconds=0, is_burnt=True, **told)
    Task.objects.filter(pk=held.task_id).update(state=State.QUEUED)
    assert not called.exists()
    claiming.fail(claiming.claim(held.task_id, None), **told)
    assert called.get().args[1] == {"type": "ValueError", "message": "no"}


def test_a_callback_that_is_not_there_fails_the_task_or_leaves_it_failed():
    held, _ = callback_of({"on_success": "nobody"})
    with pytest.raises(PermanentError, match="nobody"):
        claiming.succeed(held, 3)
    held, _ = callback_of({"on_failure": "nobody"})
    assert claiming.fail(held, error_class="E", message="no", traceback="")
    assert Task.objects.get(pk=held.task_id).state == State.FAILED


@pytest.fixture
def children():
    """Messages of a group of two with a callback."""
    members = [trial_add.message(n, 1) for n in range(2)]
    whole = group(members)
    whole.add_completion_callback(trial_effect.message("all"))
    whole.run()
    return members


def callbacks():
    return Task.objects.filter(actor="trial_effect").count()


def test_a_redelivered_child_counts_once(children):
    """With plain Dramatiq one child, run twice, stands for its sibling."""
    first = run(children[0])
    claiming.succeed(first, 1)
    assert run(children[0]) is None
    assert not claiming.succeed(first, 1)
    assert callbacks() == 0
    claiming.succeed(run(children[1]), 2)
    assert callbacks() == 1


def test_the_callback_is_enqueued_once_even_when_the_counter_is_gone(children):
    Counter.objects.all().delete()
    for child in children:
        claiming.succeed(run(child), 1)
    assert callbacks() == 1


def test_a_child_that_failed_and_is_tried_again_counts_at_last(children):
    held = run(children[0])
    claiming.retry(
        held,
        delay_seconds=0,
        is_burnt=True,
        error_class="E",
        message="no",
        traceback="",
    )
    Task.objects.filter(pk=held.task_id).update(state=State.QUEUED)
    claiming.succeed(run(children[1]), 2)
    assert callbacks() == 0
    claiming.succeed(run(children[0]), 2)
    assert callbacks() == 1


def test_messages_without_a_continuation_take_the_short_way(monkeypatch):
    def never(*_):
        pytest.fail("a plain task needs no transaction of its own")

    held = run(trial_fail.send("plain"))
    monkeypatch.setattr(claiming, "continue_after", never)
    assert claiming.succeed(held, None)
