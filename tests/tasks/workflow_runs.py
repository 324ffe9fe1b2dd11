"""Run workflows in tests without workers: claim what is queued, end it, follow it."""

from __future__ import annotations

from collections.abc import Container
from typing import Any
from uuid import UUID

from tasks import claiming, following
from tasks.models import Node, Task, Workflow
from tasks.states import State
from tasks.workflows import step
from tasks.workflows.composing import Step


def named(name: str, **kwargs: Any) -> Step:
    """Return a step that can be told from others."""
    return step("trial_step", name=name, **kwargs)


def queued() -> list[Task]:
    """Return the tasks that may be claimed, in the order in which they came."""
    return list(Task.objects.filter(state=State.QUEUED).order_by("id"))


def task_of(name: str) -> Task:
    """Return the newest task of the step with this name."""
    return Task.objects.filter(kwargs__name=name).order_by("-id")[0]


def end(name: str, *, fails: bool = False) -> None:
    """Run a step's task in one go, without doing what follows; its result is NAME."""
    held = claiming.claim(task_of(name).pk, None)
    assert held is not None
    if fails:
        claiming.fail(held, error_class="E", message="it broke", traceback="t")
    else:
        claiming.succeed(held, name.upper())


def run(failing: Container[str] = ()) -> list[str]:
    """Run until nothing is queued; return the names of the steps that ran."""
    ran = []
    while tasks := queued():
        name = tasks[0].kwargs["name"]
        ran.append(name)
        end(name, fails=name in failing)
        following.follow_ends()
    return ran


def states(workflow_id: UUID) -> dict[str, str]:
    """Return the state of each step by its name, and under "" of the workflow."""
    nodes = Node.objects.filter(workflow=workflow_id, kind="step")
    told = {node.kwargs["name"]: node.state for node in nodes}
    return told | {"": Workflow.objects.get(pk=workflow_id).state}
