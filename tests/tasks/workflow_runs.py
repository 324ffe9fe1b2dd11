"""Run workflows in tests without workers: claim what is queued, end it, follow it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from tasks import claiming, following
from tasks.models import Node, Task, Workflow
from tasks.states import State

ERROR = {"error_class": "E", "message": "it broke", "traceback": "t"}


def queued() -> list[Task]:
    """Return the tasks that may be claimed, in the order in which they came."""
    return list(Task.objects.filter(state=State.QUEUED).order_by("id"))


def end(task_id: UUID, result: object = None, *, is_failed: bool = False) -> None:
    """Run a task in one go and do what follows."""
    held = claiming.claim(task_id, None)
    assert held is not None
    if is_failed:
        claiming.fail(held, **ERROR)
    else:
        claiming.succeed(held, result)
    following.follow_ends()


def run_all(result_of: Callable[[Task], object] = lambda task: None) -> list[str]:
    """Run until nothing is queued; `result_of` raising ValueError fails a task.

    Returns what ran, as `actor(arguments)`.
    """
    ran = []
    while tasks := queued():
        for task in tasks:
            told = ", ".join(f"{k}={v!r}" for k, v in task.kwargs.items())
            ran.append(f"{task.actor}({told})")
            try:
                end(task.pk, result_of(task))
            except ValueError:
                held = claiming.claim(task.pk, None)
                if held is not None:
                    claiming.fail(held, **ERROR)
                following.follow_ends()
    return ran


def states(workflow_id: UUID) -> dict[str, str]:
    """Return the state of each step by the name it was given, and of the whole."""
    nodes = Node.objects.filter(workflow=workflow_id, kind="step")
    told = {node.kwargs.get("name", node.actor): node.state for node in nodes}
    return told | {"": Workflow.objects.get(pk=workflow_id).state}
