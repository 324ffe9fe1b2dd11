"""A model beside the workflows: random trees, lives and deaths, compared at every step."""

from __future__ import annotations

import copy

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fliptech_site.errors import InvalidInput
from tasks import claiming, controlling, following, workflows
from tasks.current import Claim
from tasks.models import End, Node, Task, Workflow
from tasks.workflows import RESULT, chain, group
from tasks.workflows.composing import Part
from tasks.workflows.sweeping import sweep
from tests.tasks.workflow_model import BAD, UNFINISHED, Model
from tests.tasks.workflow_runs import named

#: True and False are steps, with and without the result of what comes before.
SHAPES = st.recursive(
    st.booleans(),
    lambda inner: st.tuples(
        st.sampled_from(["chain", "group", "may_fail"]), st.lists(inner, max_size=4)
    ),
    max_leaves=9,
)


def build(shape, names) -> Part:
    if isinstance(shape, bool):
        return named(next(names), **({"before": RESULT} if shape else {}))
    kind, inner = shape
    parts = [build(one, names) for one in inner]
    return (
        chain(parts) if kind == "chain" else group(parts, may_fail=kind == "may_fail")
    )


class Life(RuleBasedStateMachine):
    """One workflow; its steps are picked by number among those that can be meant."""

    def __init__(self) -> None:
        super().__init__()
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        self.held: dict[str, Claim] = {}

    def teardown(self) -> None:
        try:
            if hasattr(self, "model"):
                self.all_ends_well()
        finally:
            transaction.set_rollback(True)
            self._atomic.__exit__(None, None, None)

    @initialize(shape=SHAPES, on_failure=st.sampled_from(["cancel", "keep"]))
    def begin(self, shape, on_failure):
        names = (f"s{number}" for number in range(100))
        body = chain(named(next(names)), build(shape, names))
        self.model = Model(body, on_failure)
        self.workflow_id = workflows.start(
            body, on_failure=on_failure, then=named("good"), otherwise=named("bad")
        )
        self.ids = {
            node.kwargs["name"]: node.pk
            for node in self._nodes()
            if node.role == "body"
        }

    def _nodes(self):
        nodes = Node.objects.filter(workflow=self.workflow_id).order_by("id")
        return [node for node in nodes if node.kind == "step"]

    def _pick(self, number, *task_states):
        """Return one of the steps whose task is in one of these states."""
        steps = [one for one in self.model.steps.values() if one.task in task_states]
        return steps[number % len(steps)].name if steps else None

    @rule(number=st.integers(0, 99))
    def claim(self, number):
        if name := self._pick(number, "queued"):
            held = claiming.claim(self.ids[name], None)
            assert held is not None
            self.held[name] = held
            self.model.steps[name].task = "running"

    @rule(
        number=st.integers(0, 99), how=st.sampled_from(["ok", "ok", "fail", "cancel"])
    )
    def end(self, number, how):
        name = self._pick(number, "running", "queued")
        if name is None:
            return
        held = self.held.pop(name, None) or claiming.claim(self.ids[name], None)
        if how == "ok":
            assert claiming.succeed(held, name.upper())
        elif how == "fail":
            claiming.fail(held, error_class="E", message="m", traceback="t")
        else:
            claiming.cancel_running(held)
        states = {"ok": "succeeded", "fail": "failed", "cancel": "cancelled"}
        self.model.end(name, states[how])

    @rule(number=st.integers(0, 99))
    def end_again(self, number):
        """A message that comes twice, and an end that is told twice."""
        if name := self._pick(number, "succeeded", *BAD):
            assert claiming.claim(self.ids[name], None) is None
            End.objects.create(
                task_id=self.ids[name], state=self.model.steps[name].task
            )
            self.model.unseen.append(name)

    @rule()
    def follow(self):
        following.follow_ends()
        self.model.follow()

    @rule()
    def sweep_early(self):
        assert sweep() == 0

    @rule(number=st.integers(0, 99))
    def cancel_step(self, number):
        if name := self._pick(number, "queued"):
            controlling.cancel(self.ids[name])
            self.model.end(name, "cancelled")

    @rule(number=st.integers(0, 99))
    def retry_step(self, number):
        name = self._pick(number, *BAD)
        if name is None:
            return
        wanted = copy.deepcopy(self.model)
        # The task may have ended a moment ago.
        wanted.see([wanted.steps[name]])
        if wanted.retry_step(wanted.steps[name]):
            controlling.retry(self.ids[name])
            self.model = wanted
        else:
            with pytest.raises(InvalidInput, match="is stopping"):
                controlling.retry(self.ids[name])

    @rule()
    def cancel(self):
        workflows.cancel(self.workflow_id)
        self.model.cancel()

    @rule()
    def retry(self):
        if self.model.state in BAD:
            workflows.retry(self.workflow_id)
            self.model.retry()
        else:
            with pytest.raises(InvalidInput, match="only failed and cancelled"):
                workflows.retry(self.workflow_id)

    @invariant()
    @precondition(lambda self: hasattr(self, "model"))
    def the_rows_say_what_the_model_says(self):
        workflow = Workflow.objects.get(pk=self.workflow_id)
        assert workflow.state == self.model.state
        assert (workflow.finished_at is None) == (workflow.state in UNFINISHED)
        nodes = Node.objects.filter(workflow=workflow, role="body").order_by("id")
        assert [(one.kind, one.state) for one in nodes] == [
            (one.kind, one.state) for one in self.model.root.walk()
        ]
        tasks = Task.objects.in_bulk(list(self.ids.values()))
        for name, step in self.model.steps.items():
            task = tasks.get(self.ids[name])
            assert (task.state if task else "") == step.task, name
            if task is not None and step.takes:
                assert task.kwargs["before"] == step.before
        called = [node.kwargs["name"] for node in self._nodes() if node.role != "body"]
        assert {
            name: Task.objects.filter(kwargs__name=name).count() for name in called
        } == {name: self.model.callbacks[name] for name in ("good", "bad")}

    def all_ends_well(self):
        """Whatever happened: it can be brought to an end, and calls back once."""
        for _ in range(200):
            self.follow()
            if self.model.state in BAD:
                self.retry()
            elif self._pick(0, "running", "queued"):
                self.end(0, "ok")
            else:
                break
            self.the_rows_say_what_the_model_says()
        assert self.model.state == "succeeded"
        assert self.model.callbacks["good"] == 1


@pytest.mark.django_db
def test_workflows_agree_with_their_model_in_every_order_of_steps():
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=25,
            # To explain a failure takes Hypothesis minutes here.
            phases=[Phase.generate, Phase.shrink],
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
