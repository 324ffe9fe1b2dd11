"""Encrypted actors: the database never holds what they carry."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from dramatiq import group
from dramatiq.results import ResultFailure
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from tasks import claiming, recording, sealing, workflows
from tasks.continuing import continue_after
from tasks.controlling import cancel, retry
from tasks.enqueueing import enqueue, enqueue_many
from tasks.following import follow_ends
from tasks.models import Attempt, Schedule, Task, Workflow
from tasks.opening import opened
from tasks.planning import run_now
from tasks.sealing import KeyMissing, seal, unseal
from tasks.states import FINISHED, State
from tasks.workflows import OUTCOME, RESULT, chain, step
from tasks.workflows import group as all_of
from tasks.workflows.showing import lines_of
from tests.tasks.sealed_actors import open_echo, sealed_echo, sealed_fail

SECRET = "the-geheimnis-4711"
OLD, NEW = "old-key-" * 5, "new-key-" * 5

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def keys(settings):
    settings.TASK_KEYS = [OLD]


@pytest.fixture
def worker(rabbitmq, start_process):
    return start_process(
        "worker",
        "--queues=default",
        "--threads=4",
        EXTRA_ACTOR_MODULES="tests.tasks.sealed_actors",
        TASK_KEYS=OLD,
    )


def run(task_id):
    return claiming.claim(uuid.UUID(str(task_id)), None)


def everything_stored():
    """All that the tables of the ledger hold, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(row::text, ' ') FROM ("
            " SELECT task::text AS row FROM tasks_task AS task"
            " UNION ALL SELECT attempt::text FROM tasks_attempt AS attempt"
            " UNION ALL SELECT node::text FROM tasks_node AS node"
            " UNION ALL SELECT workflow::text FROM tasks_workflow AS workflow"
            " UNION ALL SELECT schedule::text FROM tasks_schedule AS schedule) AS rows"
        )
        return cursor.fetchone()[0]


# --- values --------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_is_sealed_comes_back(value):
    with sealing_with(OLD):
        assert unseal(seal(value)) == value


def sealing_with(*words):
    from django.test import override_settings

    return override_settings(TASK_KEYS=list(words))


def test_an_earlier_key_still_opens_and_a_missing_one_is_named():
    sealed = seal([SECRET])
    with sealing_with(NEW, OLD):
        assert unseal(sealed) == [SECRET]
        assert seal(1)["key"] != sealed["key"]
    for words in ([NEW], []):
        with sealing_with(*words), pytest.raises(KeyMissing, match="TASK_KEYS"):
            unseal(sealed)


def test_without_a_key_nothing_is_enqueued_and_the_setting_is_named(settings):
    settings.TASK_KEYS = []
    with pytest.raises(InvalidInput, match="TASK_KEYS is empty"):
        enqueue("sealed_echo", secret=SECRET)
    assert not Task.objects.exists()


# --- a worker ------------------------------------------------------------------------


def test_a_run_uses_its_arguments_and_the_database_never_sees_them(
    worker, wait_until, capfd
):
    one = sealed_echo.send(secret=SECRET)
    many = enqueue_many("sealed_echo", [{"secret": SECRET}] * 3)
    failed = sealed_fail.send(SECRET, kind="permanent")
    retried = sealed_fail.send(SECRET)
    assert one.get_result(block=True, timeout=20_000) == {"echo": SECRET}
    with pytest.raises(ResultFailure, match=f"PermanentError: {SECRET} is refused"):
        failed.get_result(block=True, timeout=20_000)
    wait_until(
        lambda: (
            Task.objects.filter(pk__in=many, state__in=FINISHED).count() == 3
            and Attempt.objects.filter(task_id=retried.message_id).exists()
        )
    )
    assert SECRET not in everything_stored()
    attempt = Attempt.objects.get(task_id=retried.message_id)
    assert SECRET in sealing.unseal_text(attempt.traceback)
    assert SECRET in sealing.unseal_text(
        Attempt.objects.get(task_id=one.message_id).log
    )
    said = capfd.readouterr().err
    # The one line that the body itself logs is its own affair.
    assert not [
        line for line in said.splitlines() if SECRET in line and "body logs" not in line
    ]


def test_pipelines_and_groups_go_on_in_ciphertext(worker, wait_until):
    pipe = open_echo.message("a") | sealed_echo.message(SECRET) | open_echo.message("b")
    pipe.run()
    assert SECRET not in everything_stored()
    assert pipe.get_result(block=True, timeout=20_000).startswith("b+{'echo'")
    called = group([sealed_echo.message(secret=SECRET) for _ in range(2)])
    called.add_completion_callback(open_echo.message(SECRET))
    called.run().wait(timeout=20_000)
    wait_until(
        lambda: Task.objects.filter(actor="open_echo", state__in=FINISHED).count() == 3
    )
    assert SECRET not in everything_stored()
    echoes = Task.objects.filter(actor__endswith="_echo")
    assert set(echoes.values_list("is_sealed", flat=True)) == {True}


def test_a_task_whose_key_is_missing_waits_unburnt_and_runs_when_it_is_there(
    rabbitmq, start_process, wait_until
):
    start_process("scheduler")
    stranger = start_process(
        "worker",
        "--queues=default",
        EXTRA_ACTOR_MODULES="tests.tasks.sealed_actors",
        TASK_KEYS=NEW,
    )
    message = sealed_echo.send(secret=SECRET)
    wait_until(lambda: Attempt.objects.exists())
    stranger.terminate()
    stranger.wait(15)
    task = Task.objects.get()
    assert (task.state, task.failures) == (State.SCHEDULED, 0)
    assert "add the earlier key" in task.error_shown
    start_process(
        "worker",
        "--queues=default",
        EXTRA_ACTOR_MODULES="tests.tasks.sealed_actors",
        TASK_KEYS=f"{NEW},{OLD}",
    )
    Task.objects.update(run_at="2020-01-01T00:00Z")
    with sealing_with(NEW, OLD):
        assert message.get_result(block=True, timeout=20_000) == {"echo": SECRET}


# --- without a worker ----------------------------------------------------------------


def test_other_actors_pay_a_look_at_a_type_alone(monkeypatch):
    held = run(enqueue("trial_add", a=1, b=2))

    def never(*_):
        pytest.fail("nothing of a plain task is encrypted or decrypted")

    for name in ("seal_json", "seal_text"):
        monkeypatch.setattr(recording, name, never)
    assert claiming.succeed(held, 3)
    assert Task.objects.get().result == 3


def test_a_plain_result_that_looks_sealed_is_returned_as_it_is():
    message = open_echo.send()
    lookalike = {"sealed": "gAAAA", "key": "00000000"}
    claiming.succeed(run(message.message_id), lookalike)
    assert message.get_result() == lookalike


def test_a_task_that_was_cancelled_or_failed_runs_again(settings):
    task_id = enqueue("sealed_echo", secret=SECRET)
    cancel(task_id)
    retry(task_id)
    held = run(task_id)
    told = {"error_class": "E", "message": f"no {SECRET}", "traceback": SECRET}
    claiming.fail(held, **told)
    assert opened(Task.objects.get())["error"] == f"no {SECRET}"
    retry(task_id)
    assert claiming.succeed(run(task_id), [SECRET])
    assert opened(Task.objects.get())["result"] == [SECRET]
    assert SECRET not in everything_stored()


def test_a_continuation_that_fails_leaves_no_trace_of_its_mark():
    held = run(sealed_echo.send(secret=SECRET).message_id)
    continue_after(held, None)
    assert not sealing.continues_sealed()


def test_workflows_go_on_in_ciphertext():
    echo = step("sealed_echo", secret=SECRET)
    body = chain(all_of([echo, echo]), step("open_take", value=RESULT))
    workflow_id = workflows.start(body, otherwise=step("open_take", value=OUTCOME))
    assert SECRET not in everything_stored()
    for task in Task.objects.all():
        claiming.succeed(run(task.pk), [SECRET])
    follow_ends()
    last = Task.objects.get(actor="open_take")
    assert opened(last)["kwargs"] == {"value": [[SECRET], [SECRET]]}
    told = {"error_class": "E", "message": SECRET, "traceback": ""}
    claiming.fail(run(last.pk), **told)
    follow_ends()
    workflow = Workflow.objects.get(pk=workflow_id)
    assert workflow.error_message == "Step 2 (open_take) failed: sealed"
    assert "sealed" in {line.error for line in lines_of(workflow)}
    assert SECRET not in everything_stored()


def test_the_result_of_a_workflow_is_given_to_programs():
    workflow_id = workflows.start(step("sealed_echo", secret=SECRET))
    claiming.succeed(run(Task.objects.get().pk), [SECRET])
    follow_ends()
    assert workflows.result_of(workflow_id) == [SECRET]


def test_a_schedule_keeps_its_arguments_sealed_and_runs():
    schedule = Schedule(
        name="s", actor="sealed_echo", kwargs={"secret": SECRET}, cron="0 0 1 1 *"
    )
    schedule.full_clean()
    schedule.save()
    schedule.full_clean()
    assert SECRET not in json.dumps(schedule.kwargs)
    run_now(Schedule.objects.get())
    assert opened(Task.objects.get())["kwargs"] == {"secret": SECRET}
    assert SECRET not in everything_stored()


def test_a_schedule_with_arguments_that_do_not_fit_is_refused_before_it_is_sealed():
    schedule = Schedule(
        name="s", actor="sealed_echo", kwargs={"x": 1}, cron="0 0 1 1 *"
    )
    with pytest.raises(ValidationError, match="can't be called like this"):
        schedule.clean()


def test_a_callback_after_failure_is_sealed_like_the_task_that_failed():
    message = sealed_fail.message_with_options(args=[SECRET], on_failure="open_echo")
    sealed_fail.broker.enqueue(message)
    told = {"error_class": "E", "message": f"no {SECRET}", "traceback": ""}
    claiming.fail(run(message.message_id), **told)
    callback = Task.objects.get(actor="open_echo")
    failed, error = opened(callback)["args"]
    assert (failed["args"], error["message"]) == ([SECRET], f"no {SECRET}")
    assert SECRET not in everything_stored()
