"""Chains and groups: what begins when, with which results."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from tasks import claiming, following, waking, workflows
from tasks.current import set_current_claim
from tasks.enqueueing import enqueue
from tasks.models import End, Node, Task, Workflow
from tasks.states import State
from tasks.workflows import OUTCOME, RESULT, chain, group
from tests.tasks.workflow_runs import end, named, queued, run, states, task_of

pytestmark = pytest.mark.django_db


def given(name):
    return task_of(name).kwargs["before"]


def test_a_chain_runs_one_after_the_other_and_hands_results_on():
    workflow_id = workflows.start(
        chain(named("a"), named("b", before=RESULT), named("c", before=RESULT))
    )
    assert [task.kwargs["name"] for task in queued()] == ["a"]
    assert run() == ["a", "b", "c"]
    assert (given("b"), given("c")) == ("A", "B")
    assert states(workflow_id)[""] == "succeeded"
    assert workflows.result_of(workflow_id) == "C"


def test_a_group_runs_at_once_and_hands_on_its_results_in_their_order():
    workflow_id = workflows.start(
        chain(
            named("a"),
            group(
                named("b", before=RESULT),
                chain(named("c"), named("d", before=RESULT)),
                group(named("e"), named("f", before=RESULT)),
            ),
            named("g", before=RESULT),
        )
    )
    end("a")
    following.follow_ends()
    assert [task.kwargs["name"] for task in queued()] == ["b", "c", "e", "f"]
    for name in ("f", "e", "c", "d", "b"):
        assert not Task.objects.filter(kwargs__name="g").exists()
        end(name)
        following.follow_ends()
    assert run() == ["g"]
    assert (given("b"), given("d"), given("f")) == ("A", "C", "A")
    assert given("g") == ["B", "D", ["E", "F"]]
    assert states(workflow_id)[""] == "succeeded"


def test_a_single_step_is_a_workflow_too():
    workflow_id = workflows.start(named("a"), then=named("b", before=RESULT))
    assert run() == ["a", "b"]
    assert given("b") == "A"
    assert workflows.result_of(workflow_id) == "A"


def test_empty_groups_and_chains_are_done_at_once():
    workflow_id = workflows.start(
        chain(
            named("a"),
            chain(),
            named("b", before=RESULT),
            group(),
            named("c", before=RESULT),
            group(chain(), group(group())),
            named("d", before=RESULT),
        )
    )
    assert run() == ["a", "b", "c", "d"]
    assert (given("b"), given("c"), given("d")) == ("A", [], [None, [[]]])
    assert states(workflow_id)[""] == "succeeded"


@pytest.mark.parametrize(
    ("empty", "result"), [(chain(), None), (group(), []), (group(group()), [[]])]
)
def test_a_workflow_of_nothing_succeeds_and_calls_back(empty, result):
    workflow_id = workflows.start(empty, then=named("a", before=RESULT))
    assert Workflow.objects.get(pk=workflow_id).state == "succeeded"
    assert run() == ["a"]
    assert given("a") == result


def test_a_chain_in_a_chain_is_its_parts_in_its_place():
    assert chain(named("a"), chain(named("b"), named("c"))) == chain(
        named("a"), named("b"), named("c")
    )
    assert chain([named("a"), named("b")]) == chain(named("a"), named("b"))
    assert group(named(n) for n in "ab") == group(named("a"), named("b"))


def test_the_rows_are_the_callers_transactions():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        workflows.start(group(named("a"), named("b")))
        raise ZeroDivisionError
    assert not Workflow.objects.exists()
    assert not Task.objects.exists()


def test_all_tasks_descend_from_the_task_that_started_them():
    parent = Task.objects.get(pk=enqueue("trial_add", a=1, b=2))
    set_current_claim(claiming.claim(parent.pk, None))
    try:
        workflows.start(chain(named("a"), named("b")), then=named("c"))
    finally:
        set_current_claim(None)
    Task.objects.filter(pk=parent.pk).delete()
    assert run() == ["a", "b", "c"]
    assert set(Task.objects.values_list("parent_id", "root_id")) == {
        (parent.pk, parent.pk)
    }


def test_priority_is_the_steps_own_or_the_workflows():
    workflows.start(group(named("a"), named("b", priority=9)), priority=2)
    assert (task_of("a").priority, task_of("b").priority) == (2, 9)


def test_an_end_that_is_told_again_and_again_opens_the_next_step_once():
    workflow_id = workflows.start(
        chain(group(named("a"), named("b")), named("c")), then=named("d")
    )
    end("a")
    first = End.objects.get()
    for _ in range(3):
        End.objects.create(task_id=first.task_id, state=first.state)
    following.follow_ends()
    # With a counter, the two ends told too often would count for b.
    assert [task.kwargs["name"] for task in queued()] == ["b"]
    end("b")
    following.follow_ends()
    for step in Node.objects.filter(workflow=workflow_id, parent__isnull=False):
        for _ in range(2):
            End.objects.create(task_id=step.pk, state="succeeded")
    following.follow_ends()
    assert run() == ["c", "d"]
    for step in Node.objects.filter(workflow=workflow_id, kind="step"):
        End.objects.create(task_id=step.pk, state="succeeded")
    following.follow_ends()
    assert not queued()
    assert Task.objects.count() == 4


def test_the_callback_learns_how_it_ended():
    workflow_id = workflows.start(
        named("a"), name="trial", then=named("b", outcome=OUTCOME)
    )
    run()
    assert task_of("b").kwargs["outcome"] == {
        "workflow": str(workflow_id),
        "name": "trial",
        "state": "succeeded",
        "step": None,
        "task": None,
        "actor": None,
        "error": None,
    }


def test_a_workflow_is_named_by_its_actors():
    workflow_id = workflows.start(group(named("a"), named("b")))
    assert Workflow.objects.get(pk=workflow_id).name == "trial_step"


def test_a_group_of_many_begins_and_settles_with_few_statements(
    django_assert_max_num_queries,
):
    with django_assert_max_num_queries(20):
        workflows.start(chain(group(named(f"m{n}") for n in range(2000)), named("z")))
    for number in range(30):
        end(f"m{number}")
    with django_assert_max_num_queries(10):
        assert following.follow_ends() == 30


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_workflow_wakes_at_its_end():
    workflow_id = workflows.start(chain(named("a"), named("b")))
    assert workflows.wait(workflow_id, 0) is None

    def finish():
        while not Workflow.objects.filter(is_awaited=True).exists():
            time.sleep(0.005)
        run()
        ended.append(time.monotonic())
        connection.close()

    ended: list[float] = []
    thread = threading.Thread(target=finish)
    thread.start()
    workflow = workflows.wait(workflow_id, 30)
    woken = time.monotonic()
    thread.join()
    assert workflow is not None
    assert workflow.state == "succeeded"
    assert workflows.result_of(workflow_id) == "B"
    # Sooner than the look that every waiter takes each second.
    assert woken - ended[0] < waking.LOOK_SECONDS / 2
    assert workflows.wait(workflow_id, None) == workflow


@pytest.mark.django_db(transaction=True)
def test_the_last_two_children_may_be_settled_at_one_moment():
    workflow_id = workflows.start(chain(group(named("a"), named("b")), named("c")))
    for name in "ab":
        end(name)

    def settle_b():
        with transaction.atomic():
            workflows.follow([(task_of("b").pk, State.SUCCEEDED)])
        connection.close()

    thread = threading.Thread(target=settle_b)
    with transaction.atomic():
        workflows.follow([(task_of("a").pk, State.SUCCEEDED)])
        thread.start()
        # Either it waits for this transaction, or it has overlooked that a is done.
        while thread.is_alive() and not _is_somebody_waiting_for_a_lock():
            time.sleep(0.005)
    thread.join()
    assert run() == ["c"]
    assert states(workflow_id)[""] == "succeeded"


def _is_somebody_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
