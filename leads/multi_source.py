"""Scrape several sources side by side, as one workflow in which each may fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fliptech_site.errors import InvalidInput, PermanentError
from leads.checking_scrapes import check_scrape
from tasks import workflows
from tasks.models import Task
from tasks.workflow_rows import Node
from tasks.workflows import group, step


def start_scrapes(scrapes: list[dict[str, Any]]) -> dict[str, Any]:
    """Start each scrape as a step of one workflow; returns it, the started and refused.

    Each is `{"source": "craigslist", …arguments of its actor}`. One that can't be
    started is returned with the reason and never stops the others, nor does one that
    fails later: `outcomes_of` tells of each.
    """
    steps, refused = [], []
    for wanted in scrapes:
        try:
            steps.append(_step(wanted))
        except PermanentError as error:
            refused.append({"scrape": wanted, "reason": str(error)})
    if not steps:
        return {"workflow": "", "started": [], "refused": refused}
    workflow_id = workflows.start(
        group(steps, may_fail=True),
        name=f"Scrapes of {len(steps)} sources" if len(steps) > 1 else "Scrape",
        on_failure="keep",
    )
    started = [
        {"source": _source(task.actor), "task_id": str(task.pk)}
        for task in _tasks_of(workflow_id)
    ]
    return {"workflow": str(workflow_id), "started": started, "refused": refused}


def _step(wanted: object) -> workflows.composing.Step:
    if not isinstance(wanted, Mapping) or not isinstance(wanted.get("source"), str):
        raise InvalidInput(
            f"{wanted!r} names no source: write {{'source': 'craigslist', …}}."
        )
    arguments = {key: value for key, value in wanted.items() if key != "source"}
    actor, checked = check_scrape(wanted["source"], arguments)
    return step(actor, **checked)


def _source(actor: str) -> str:
    return actor.removeprefix("scrape_")


def _tasks_of(workflow_id: UUID) -> list[Task]:
    """Give the steps' tasks in their order; a step and its task share one id."""
    nodes = Node.objects.filter(workflow=workflow_id, kind=Node.Kind.STEP)
    order = {
        pk: at
        for at, pk in enumerate(nodes.order_by("position").values_list("pk", flat=True))
    }
    return sorted(Task.objects.filter(pk__in=order), key=lambda task: order[task.pk])


def outcomes_of(workflow_id: UUID) -> list[dict[str, Any]]:
    """Tell what became of each source: its outcome, or the error of its task."""
    return [_outcome(task) for task in _tasks_of(workflow_id)]


def _outcome(task: Task) -> dict[str, Any]:
    told = {"source": _source(task.actor), "task_id": str(task.pk), "state": task.state}
    if isinstance(task.result, dict):
        return told | task.result
    return told | {"outcome": "", "reason": task.error_message}
