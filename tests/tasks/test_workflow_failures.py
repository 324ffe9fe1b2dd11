"""Steps that fail, workflows that are cancelled, and both run again."""

from __future__ import annotations

import uuid
from typing import Any, cast

import pytest

from fliptech_site.errors import InvalidInput
from tasks import claiming, controlling, following, workflows
from tasks.models import Task, Workflow
from tasks.states import State
from tasks.workflows import OUTCOME, RESULT, chain, group, step
from tasks.workflows.sweeping import GRACE_SECONDS, sweep
from tests.tasks.workflow_runs import end, named, queued, run, states, task_of

pytestmark = pytest.mark.django_db


def start(*parts, **options):
    """Start a chain with both callbacks."""
    return workflows.start(
        chain(*parts),
        then=named("good", outcome=OUTCOME),
        otherwise=named("bad", outcome=OUTCOME),
        **options,
    )


def error_of(workflow_id):
    return Workflow.objects.get(pk=workflow_id).error_message


def test_a_failed_step_cancels_what_waits_and_stops_what_runs():
    workflow_id = start(
        named("a"), group(named("b"), named("c"), named("d")), named("e")
    )
    end("a")
    following.follow_ends()
    running = claiming.claim(task_of("c").pk, None)
    end("b", fails=True)
    following.follow_ends()
    assert task_of("d").state == State.CANCELLED
    assert task_of("c").cancel_requested_at is not None
    assert states(workflow_id)[""] == "stopping"
    assert not queued()
    claiming.cancel_running(running)
    assert following.follow_ends() > 0
    assert states(workflow_id) == {
        "a": "succeeded", "b": "failed", "c": "cancelled", "d": "cancelled",
        "e": "waiting", "good": "waiting", "bad": "running", "": "failed",
    }  # fmt: skip
    assert error_of(workflow_id) == "Step 2.1 (trial_step) failed: it broke"
    assert run() == ["bad"]
    told = task_of("bad").kwargs["outcome"]
    assert (told["state"], told["step"], told["task"]) == (
        "failed", "2.1", str(task_of("b").pk),
    )  # fmt: skip


def test_a_failed_step_lets_the_others_go_on_when_asked_to_keep_them():
    workflow_id = start(
        group(named("a"), chain(named("b"), named("c")), named("d")),
        named("e"),
        on_failure="keep",
    )
    assert run(failing="a") == ["a", "b", "c", "d", "bad"]
    assert states(workflow_id) == {
        "a": "failed", "b": "succeeded", "c": "succeeded", "d": "succeeded",
        "e": "waiting", "good": "waiting", "bad": "succeeded", "": "failed",
    }  # fmt: skip


@pytest.mark.parametrize("on_failure", ["cancel", "keep"])
def test_a_group_that_may_fail_goes_on_with_the_results_there_are(on_failure):
    workflow_id = start(
        group(
            named("a"),
            chain(named("b"), named("c")),
            group(named("d"), named("e")),
            may_fail=True,
        ),
        named("f", before=RESULT),
        on_failure=on_failure,
    )
    assert run(failing="bd") == ["a", "b", "d", "e", "f", "good"]
    assert task_of("f").kwargs["before"] == ["A", None, None]
    assert states(workflow_id)[""] == "succeeded"
    assert error_of(workflow_id) == ""


def test_a_step_that_a_person_cancels_counts_as_missed():
    workflow_id = start(group(named("a"), named("b")))
    controlling.cancel(task_of("a").pk)
    following.follow_ends()
    assert task_of("b").state == State.CANCELLED
    assert states(workflow_id)[""] == "cancelled"
    assert error_of(workflow_id) == "Step 1.1 (trial_step) was cancelled."
    assert run() == ["bad"]


def test_cancelling_a_workflow_cancels_what_waits_and_waits_for_what_runs():
    workflow_id = start(group(named("a"), named("b"), chain(named("c"), named("d"))))
    running = claiming.claim(task_of("c").pk, None)
    assert workflows.cancel(workflow_id) == "stopping"
    assert workflows.cancel(workflow_id) == "stopping"
    claiming.succeed(running, "C")
    following.follow_ends()
    assert states(workflow_id) == {
        "a": "cancelled", "b": "cancelled", "c": "succeeded", "d": "waiting",
        "good": "waiting", "bad": "running", "": "cancelled",
    }  # fmt: skip
    assert run() == ["bad"]
    assert task_of("bad").kwargs["outcome"]["state"] == "cancelled"
    assert workflows.cancel(workflow_id) == "cancelled"


def test_a_workflow_that_was_done_before_it_could_stop_has_succeeded():
    workflow_id = start(named("a"), named("b"))
    end("a")
    following.follow_ends()
    running = claiming.claim(task_of("b").pk, None)
    workflows.cancel(workflow_id)
    claiming.succeed(running, "B")
    following.follow_ends()
    assert states(workflow_id)[""] == "succeeded"


def test_a_retry_runs_only_what_was_not_done_and_then_goes_on():
    workflow_id = start(
        named("a"),
        group(named("b", before=RESULT), chain(named("c"), named("d", before=RESULT))),
        named("e", before=RESULT),
    )
    assert run(failing="d") == ["a", "b", "c", "d", "bad"]
    workflows.retry(workflow_id)
    assert states(workflow_id)[""] == "running"
    assert error_of(workflow_id) == ""
    assert run() == ["d", "e", "good"]
    assert task_of("e").kwargs["before"] == ["B", "D"]
    assert states(workflow_id)[""] == "succeeded"
    assert Workflow.objects.get(pk=workflow_id).run == 2


def test_each_end_without_success_calls_back_once():
    workflow_id = start(named("a"))
    for count in (1, 2, 3):
        assert run(failing="a") == ["a", "bad"]
        following.follow_ends()
        assert Task.objects.filter(kwargs__name="bad").count() == count
        workflows.retry(workflow_id)
    assert run() == ["a", "good"]
    with pytest.raises(InvalidInput, match="is succeeded: only failed and cancelled"):
        workflows.retry(workflow_id)


def test_a_cancelled_workflow_is_retried_where_it_was_stopped():
    workflow_id = start(
        group(chain(named("a"), named("b")), named("c"), may_fail=True), named("d")
    )
    running = claiming.claim(task_of("a").pk, None)
    workflows.cancel(workflow_id)
    claiming.succeed(running, "A")
    following.follow_ends()
    assert run() == ["bad"]
    workflows.retry(workflow_id)
    assert run() == ["b", "c", "d", "good"]
    assert states(workflow_id)[""] == "succeeded"


def test_a_workflow_that_is_stopping_is_not_retried():
    workflow_id = start(group(named("a"), named("b"), named("c")))
    end("c", fails=True)
    claiming.claim(task_of("a").pk, None)
    following.follow_ends()
    for try_it in (
        lambda: workflows.retry(workflow_id),
        lambda: controlling.retry(task_of("c").pk),
    ):
        with pytest.raises(InvalidInput, match="is stopping"):
            try_it()


def test_a_failed_step_retried_by_hand_makes_a_stopped_workflow_go_on():
    workflow_id = start(group(named("a"), named("b"), named("c")), named("d"))
    assert run(failing="a") == ["a", "bad"]
    controlling.retry(task_of("a").pk)
    assert states(workflow_id)[""] == "running"
    assert run() == ["a", "b", "c", "d", "good"]


def test_a_failed_step_retried_by_hand_makes_a_finished_workflow_go_on():
    workflow_id = start(
        group(chain(named("a"), named("b")), named("c"), named("d")),
        named("e"),
        on_failure="keep",
    )
    assert run(failing="ac") == ["a", "c", "d", "bad"]
    controlling.retry(task_of("a").pk)
    assert run() == ["a", "b", "bad"]
    assert error_of(workflow_id) == "Step 1.2 (trial_step) failed: it broke"
    controlling.retry(task_of("c").pk)
    assert run() == ["c", "e", "good"]
    assert states(workflow_id)[""] == "succeeded"


def test_a_step_may_be_retried_by_hand_while_its_siblings_run():
    workflow_id = start(group(named("a"), named("b")), named("c"), on_failure="keep")
    end("a", fails=True)
    # Its end has not been followed yet, and comes to late.
    controlling.retry(task_of("a").pk)
    following.follow_ends()
    assert states(workflow_id)["a"] == "running"
    assert run() == ["a", "b", "c", "good"]
    assert error_of(workflow_id) == ""


def test_a_cancelled_workflow_stays_so_when_one_of_its_tasks_is_retried_by_hand():
    workflow_id = start(group(named("a"), named("b")))
    workflows.cancel(workflow_id)
    following.follow_ends()
    assert run() == ["bad"]
    controlling.retry(task_of("a").pk)
    assert run() == ["a"]
    assert states(workflow_id)[""] == "cancelled"
    workflows.retry(workflow_id)
    assert run() == ["b", "good"]


def test_a_pardoned_step_retried_by_hand_opens_nothing_again():
    workflow_id = start(group(named("a"), chain(named("b")), may_fail=True), named("c"))
    assert run(failing="ab") == ["a", "b", "c", "good"]
    for name in "ab":
        controlling.retry(task_of(name).pk)
    assert run() == ["a", "b"]
    assert set(states(workflow_id).values()) == {"succeeded", "waiting"}


def test_a_poisoned_step_fails_its_workflow(settings):
    from tasks.rescuing import rescue_expired

    settings.TASK_MAX_RESCUES = 1
    workflow_id = start(named("a"))
    for _ in range(2):
        claiming.claim(task_of("a").pk, None)
        Task.objects.filter(kwargs__name="a").update(lease_until="2020-01-01T00:00Z")
        rescue_expired()
    following.follow_ends()
    assert "Set aside after 2 workers died" in error_of(workflow_id)


def test_the_sweep_finds_ends_that_nobody_saw(settings):
    settings.TASK_FOLLOWERS = []
    workflow_id = start(group(named("a"), named("b")), named("c"))
    end("a")
    following.follow_ends()
    Task.objects.filter(kwargs__name="b").delete()
    Task.objects.filter(state=State.SUCCEEDED).update(finished_at="2020-01-01T00:00Z")
    assert sweep() == 2
    assert error_of(workflow_id) == (
        "Step 1.2 (trial_step): its task is not there any more."
    )
    assert states(workflow_id)[""] == "failed"
    assert sweep() == 0


def test_the_sweep_leaves_ends_alone_that_are_on_their_way():
    start(named("a"))
    end("a")
    assert GRACE_SECONDS > 1
    assert sweep() == 0
    Task.objects.filter(state=State.SUCCEEDED).update(finished_at="2020-01-01T00:00Z")
    assert sweep() == 0
    following.follow_ends()
    assert run() == ["good"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: step("trial_stp", name="a"), "Did you mean trial_step"),
        (lambda: step("trial_step", named="a"), "can't be called like this"),
        (lambda: step("trial_add", a=RESULT), "missing a required argument: 'b'"),
        (lambda: step("trial_add", a={1}, b=2), "plain JSON values"),
        (lambda: step("trial_add", a=1, b=2, priority=11), "use 0 .last. to 10"),
        (
            lambda: chain(cast("Any", "trial_add")),
            "made of steps, chains and groups, not of 't'",
        ),
        (lambda: group(cast("Any", 7)), "made of steps, chains and groups, not of 7"),
        (
            lambda: workflows.start(chain(named("a", before=RESULT))),
            "can't take RESULT as before: nothing comes before it",
        ),
        (
            lambda: workflows.start(chain(group(), group(named("a", before=RESULT)))),
            None,
        ),
        (
            lambda: workflows.start(group(named("a"), named("b", before=RESULT))),
            "nothing comes before it",
        ),
        (
            lambda: workflows.start(chain(named("a"), named("b", before=OUTCOME))),
            "can't take OUTCOME as before: only what runs after the workflow",
        ),
        (
            lambda: workflows.start(named("a"), otherwise=named("b", before=RESULT)),
            "a workflow that did not succeed has no result",
        ),
        (
            lambda: workflows.start(named("a"), then=cast("Any", chain(named("b")))),
            "`then` has to be one step",
        ),
        (
            lambda: workflows.start(named("a"), on_failure="stop"),
            "on_failure is 'stop'",
        ),
        (lambda: workflows.start(named("a"), priority=-1), "The priority is -1"),
        (lambda: workflows.cancel(uuid.UUID(int=0)), "There is no workflow"),
        (lambda: workflows.retry(uuid.UUID(int=0)), "There is no workflow"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(make, sentence):
    if sentence is None:
        make()
    else:
        with pytest.raises(InvalidInput, match=sentence):
            make()


def test_nesting_and_size_have_bounds():
    nested = named("a")
    for _ in range(20):
        nested = group(nested)
    workflows.start(nested)
    assert run() == ["a"]
    with pytest.raises(InvalidInput, match="nested 21 deep: use at most 20"):
        group(nested)
    many = group(named("a") for _ in range(1000))
    with pytest.raises(InvalidInput, match="A workflow of 101,000 steps is too large"):
        group([many] * 101)
