"""Chains and groups: what begins when, with which results."""

from __future__ import annotations

import pytest

from tasks import workflows
from tasks.models import Task
from tasks.workflows import RESULT, chain, group, step
from tests.tasks.workflow_runs import queued, run_all, states

pytestmark = pytest.mark.django_db(transaction=True)


def named(name, **kwargs):
    return step("trial_step", name=name, **kwargs)


def test_a_chain_runs_one_after_the_other_and_hands_results_on():
    workflow_id = workflows.start(chain(named("a"), named("b", before=RESULT)))
    assert [task.kwargs["name"] for task in queued()] == ["a"]
    ran = run_all(lambda task: f"result of {task.kwargs['name']}")
    assert ran == ["trial_step(name='a')", "trial_step(name='b', before='result of a')"]
    assert states(workflow_id) == {"a": "succeeded", "b": "succeeded", "": "succeeded"}
    assert workflows.result_of(workflow_id) == "result of b"


def test_a_group_hands_on_the_results_of_its_children_in_their_order():
    workflow_id = workflows.start(
        chain(
            named("a"),
            group(named("b", before=RESULT), chain(named("c"), named("d")), named("e")),
            named("f", before=RESULT),
        )
    )
    run_all(lambda task: task.kwargs["name"].upper())
    given = {
        task.kwargs["name"]: task.kwargs.get("before") for task in Task.objects.all()
    }
    assert given["b"] == "A"
    assert given["f"] == ["B", "D", "E"]
    assert states(workflow_id)[""] == "succeeded"
