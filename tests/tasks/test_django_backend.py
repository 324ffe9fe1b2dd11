"""Django's own task API on the ledger."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.core import checks
from django.db import transaction
from django.utils import timezone
from django_tasks import TaskResultStatus, default_task_backend, task_backends
from django_tasks.exceptions import (
    InvalidTaskError,
    TaskResultDoesNotExist,
    TaskResultMismatch,
)
from django_tasks.signals import task_enqueued, task_finished, task_started

from fliptech_site.errors import Cancelled, PermanentError
from tasks import claiming, controlling, django_backend
from tasks.current import set_current_claim
from tasks.django_backend import (
    ACTORS,
    LedgerBackend,
    class_path,
    priority_of_ledger,
    run_django_task,
)
from tasks.enqueueing import enqueue
from tasks.following import follow_ends
from tasks.models import Task
from tasks.rescuing import rescue_expired
from tests.tasks.django_trials import (
    add,
    add_slowly,
    fail,
    give_what_json_has_not,
    tell_the_context,
    urgent,
    wait_for_a_limit,
)

pytestmark = pytest.mark.django_db

READY, RUNNING = TaskResultStatus.READY, TaskResultStatus.RUNNING
FAILED, SUCCESSFUL = TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL


@pytest.fixture
def run():
    """Run a task's body under a claim, in this thread, and end it."""

    def run(result):
        held = claiming.claim(UUID(result.id), worker_id=7)
        set_current_claim(held)
        try:
            claiming.succeed(held, run_django_task(**held.kwargs))
        except Exception as error:  # noqa: BLE001 - as Dramatiq does
            claiming.fail(
                held,
                error_class=type(error).__name__,
                message=str(error),
                traceback=f"Traceback (most recent call last):\n{type(error).__name__}: x",
            )
        finally:
            set_current_claim(None)
        result.refresh()
        return result

    return run


@pytest.fixture
def signals():
    """Every signal that was sent: which, and the status that it told."""
    sent = []
    receivers = {}
    for name, signal in (
        ("enqueued", task_enqueued), ("started", task_started), ("finished", task_finished),
    ):  # fmt: skip
        receivers[name] = lambda name=name, task_result=None, **_: sent.append(
            (name, str(task_result.status))
        )
        signal.connect(receivers[name])
    yield sent
    for name, signal in (
        ("enqueued", task_enqueued), ("started", task_started), ("finished", task_finished),
    ):  # fmt: skip
        signal.disconnect(receivers[name])


def test_an_enqueued_task_is_a_row_of_the_ledger():
    result = add.enqueue(1, b=2)
    row = Task.objects.get(pk=result.id)
    assert (row.actor, row.queue, row.priority) == ("django_task_default", "default", 5)
    assert (result.status, result.args, result.kwargs) == (READY, [1], {"b": 2})
    assert (result.attempts, result.errors, result.is_finished) == (0, [], False)
    with pytest.raises(ValueError, match="not finished"):
        result.return_value  # noqa: B018
    assert add.get_result(result.id).args == [1]


def test_a_rolled_back_enqueue_leaves_nothing():
    with transaction.atomic():
        result = add.enqueue(1)
        transaction.set_rollback(True)
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()


def test_it_runs_and_tells_its_result(run):
    result = run(add.enqueue(40, b=2))
    assert (result.status, result.return_value) == (SUCCESSFUL, 42)
    assert (result.worker_ids, result.attempts) == (["7"], 1)
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.last_attempted_at == result.started_at


def test_a_coroutine_runs_too(run):
    assert run(add_slowly.enqueue(1, 2)).return_value == 3


@pytest.mark.django_db(transaction=True)
def test_everything_can_be_awaited():
    async def both():
        result = await add.aenqueue(1, 2)
        await result.arefresh()
        return result, await add.aget_result(result.id)

    first, second = async_to_sync(both)()
    assert first.id == second.id


def test_an_error_is_final_and_told_with_class_and_traceback(run):
    result = run(fail.enqueue("a surprise"))
    assert result.status == FAILED
    (error,) = result.errors
    assert error.exception_class is ValueError
    assert "Traceback" in error.traceback
    with pytest.raises(ValueError, match="failed"):
        result.return_value  # noqa: B018
    assert Task.objects.get().max_attempts == 1


def test_the_context_tells_of_the_attempt(run):
    result = tell_the_context.enqueue("word")
    assert run(result).return_value == [1, result.id, "RUNNING", "word"]


def test_signals_tell_each_end_once(run, signals):
    run(add.enqueue(1))
    run(fail.enqueue("x"))
    controlling.cancel(add.enqueue(1).id)
    follow_ends()
    follow_ends()
    assert [one for one in signals if one[0] != "finished"] == [
        ("enqueued", "READY"), ("started", "RUNNING"),
        ("enqueued", "READY"), ("started", "RUNNING"), ("enqueued", "READY"),
    ]  # fmt: skip
    ends = [status for name, status in signals if name == "finished"]
    assert sorted(ends) == ["FAILED", "FAILED", "SUCCESSFUL"]


def test_a_receiver_that_fails_undoes_nothing(run, caplog):
    def receiver(**_):
        raise RuntimeError("a receiver's fault")

    result = add.enqueue(1)
    task_finished.connect(receiver)
    try:
        run(result)
        follow_ends()
    finally:
        task_finished.disconnect(receiver)
    assert result.status == SUCCESSFUL
    assert "a receiver's fault" in caplog.text
    assert follow_ends() == 0


def test_a_cancelled_task_is_failed_and_says_so():
    result = add.enqueue(1)
    controlling.cancel(result.id)
    result.refresh()
    assert result.status == FAILED
    assert [error.exception_class for error in result.errors] == [Cancelled]


def test_a_task_whose_worker_died_runs_again_and_says_so(run):
    result = add.enqueue(1)
    claiming.claim(UUID(result.id), worker_id=6)
    result.refresh()
    assert (result.status, result.worker_ids) == (RUNNING, ["6"])
    Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    rescue_expired()
    result.refresh()
    assert result.status == READY
    assert [e.exception_class for e in result.errors] == [django_backend.WorkerLost]
    assert run(result).worker_ids == ["6", "7"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(-100, 0), (-91, 0), (-90, 1), (0, 5), (9, 5), (10, 6), (100, 10)],
)
def test_priorities_keep_their_order_in_fewer_steps(theirs, ours):
    assert priority_of_ledger(theirs) == ours


def test_priority_queue_and_time_come_from_the_task_and_from_using():
    later = timezone.now() + timedelta(hours=1)
    first = urgent.enqueue()
    second = urgent.using(priority=-100, queue_name="ai", run_after=later).enqueue()
    rows = [Task.objects.get(pk=one.id) for one in (first, second)]
    assert [(row.queue, row.priority, row.state) for row in rows] == [
        ("email", 8, "queued"), ("ai", 0, "scheduled"),
    ]  # fmt: skip
    kept = [urgent.get_result(one.id).task for one in (first, second)]
    assert [(one.priority, one.queue_name, one.run_after) for one in kept] == [
        (60, "email", None), (-100, "ai", later),
    ]  # fmt: skip


def test_what_can_not_be_run_is_refused_at_once():
    with pytest.raises(InvalidTaskError, match="Queue 'fax' is not valid"):
        add.using(queue_name="fax")
    with pytest.raises(InvalidTaskError, match="priority"):
        add.using(priority=101)
    with pytest.raises(InvalidTaskError, match="aware"):
        add.using(run_after=timezone.now().replace(tzinfo=None))
    with pytest.raises(TypeError, match="Unsupported type"):
        add.enqueue(object())
    assert not Task.objects.exists()


def test_results_of_other_tasks_are_not_handed_out():
    with pytest.raises(TaskResultMismatch):
        fail.get_result(add.enqueue(1).id)
    for unknown in ("no-uuid", str(enqueue("trial_add", a=1, b=2))):
        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(unknown)


def test_a_path_that_names_no_task_does_not_run():
    result = add.enqueue(1)
    held = claiming.claim(UUID(result.id), worker_id=7)
    set_current_claim(held)
    try:
        for path, complaint in (
            ("tests.tasks.django_trials.no_task", "is no task"),
            ("tests.tasks.django_trials.gone", "can't be imported"),
        ):
            row = Task.objects.get(pk=result.id)
            row.kwargs["path"] = path
            row.save()
            with pytest.raises(PermanentError, match=complaint):
                run_django_task(**row.kwargs)
    finally:
        set_current_claim(None)


def test_every_queue_has_its_actor(settings):
    assert ACTORS.keys() == settings.QUEUES.keys()
    settings.TASKS = {
        "default": {
            "BACKEND": "tasks.django_backend.LedgerBackend", "QUEUES": ["email", "fax"],
        }
    }  # fmt: skip
    assert isinstance(task_backends["default"], LedgerBackend)
    (complaint,) = [one for one in checks.run_checks() if one.id == "tasks.E001"]
    assert "'fax'" in complaint.msg


@pytest.mark.parametrize(
    ("name", "traceback", "path"),
    [
        ("ValueError", "Traceback:\n  File\nValueError: x", "builtins.ValueError"),
        ("PermanentError", "x\na.b.PermanentError: y\n", "a.b.PermanentError"),
        ("Bare", "x\na.Bare\n", "a.Bare"),
        ("Inner", "one.Inner: x\n\nDuring\n\ntwo.Inner: y\nmore", "two.Inner"),
        ("Unheard", "", "builtins.Exception"),
        ("PoisonedTask", "", "tasks.django_backend.PoisonedTask"),
    ],
)
def test_the_class_of_an_error_is_found_in_its_traceback(name, traceback, path):
    assert class_path(name, traceback) == path


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_runs_djangos_tasks(rabbitmq, start_process, wait_until):
    start_process("worker", "--queues=default,email", "--threads=2")
    results = {
        "sum": add.enqueue(1, b=2),
        "urgent": urgent.enqueue(),
        "slow": add_slowly.enqueue(2, 3),
        "fail": fail.enqueue("a surprise"),
        "set": give_what_json_has_not.enqueue(),
    }
    limited = wait_for_a_limit.enqueue()

    def are_finished():
        for one in results.values():
            one.refresh()
        return all(one.is_finished for one in results.values())

    wait_until(are_finished)
    returned = {n: r.return_value for n, r in results.items() if r.status == SUCCESSFUL}
    assert returned == {"sum": 3, "urgent": "done", "slow": 5}
    (error,) = results["fail"].errors
    assert error.exception_class is ValueError
    assert "raise ValueError(message)" in error.traceback
    assert results["set"].errors[0].exception_class is TypeError

    def is_put_back():
        limited.refresh()
        return Task.objects.get(pk=limited.id).attempt and limited.status == READY

    wait_until(is_put_back)
    assert limited.errors == []
    assert Task.objects.get(pk=limited.id).failures == 0
