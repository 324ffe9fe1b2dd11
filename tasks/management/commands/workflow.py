"""`manage.py workflow list|show|cancel|retry`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from tasks.workflow_rows import Workflow, WorkflowState
from tasks.workflows import cancel, retry, wait
from tasks.workflows.controlling import find_workflow
from tasks.workflows.showing import Line, lines_of
from tasks.workflows.telling import counts_in_words, step_counts


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a workflow's id; `manage.py workflow list` shows them."
        ) from None


class Command(BaseCommand):
    help = "Show, cancel and retry workflows."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="the newest workflows")
        listing.add_argument("--state", choices=WorkflowState.values)
        listing.add_argument("--limit", type=int, default=20)
        show = verbs.add_parser("show", help="state, error and the tree of steps")
        show.add_argument("id", type=_uuid)
        show.add_argument(
            "--wait", type=float, metavar="SECONDS", help="until it has ended"
        )
        for verb, told in (
            ("cancel", "cancel what waits, ask what runs to stop"),
            ("retry", "run what failed or was cancelled again, and go on"),
        ):
            verbs.add_parser(verb, help=told).add_argument("ids", nargs="+", type=_uuid)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        actions: dict[str, Callable[..., None]] = {
            "list": self._list,
            "show": self._show,
            "cancel": self._cancel,
            "retry": self._retry,
        }
        try:
            actions[verb](**options)
        except InvalidInput as error:
            raise CommandError(str(error)) from None

    def _list(self, state: str | None, limit: int, **_: Any) -> None:
        workflows = Workflow.objects.order_by("-created_at")
        if state:
            workflows = workflows.filter(state=state)
        shown = list(workflows[: max(limit, 0)])
        counts = step_counts(workflow.pk for workflow in shown)
        for workflow in shown:
            age = (timezone.now() - workflow.created_at).total_seconds()
            told = counts_in_words(counts.get(workflow.pk, {}))
            self.stdout.write(
                f"{workflow.pk}  {workflow.state:<9}  {workflow.name[:40]:<40}"
                f"  {age:8.0f} s ago  {told}".rstrip()
            )

    def _show(self, id: UUID, wait: float | None, **_: Any) -> None:
        workflow = find_workflow(id)
        if wait is not None:
            workflow = self._wait(id, wait)
        counts = step_counts([id]).get(id, {})
        self.stdout.write(
            f"{workflow.name}: {workflow.state}, {counts_in_words(counts)}"
        )
        if workflow.error_message:
            self.stdout.write(workflow.error_message)
        for line in lines_of(workflow):
            self.stdout.write(_written(line))

    def _wait(self, workflow_id: UUID, seconds: float) -> Workflow:
        ended = wait(workflow_id, seconds)
        if ended is None:
            raise CommandError(
                f"Workflow {workflow_id} has not ended after {seconds:g} s; it goes on."
                " Are workers running?"
            )
        return ended

    def _cancel(self, ids: list[UUID], **_: Any) -> None:
        for workflow_id in ids:
            state = cancel(workflow_id)
            told = "is stopping" if state == WorkflowState.STOPPING else f"is {state}"
            self.stdout.write(f"{workflow_id} {told}.")

    def _retry(self, ids: list[UUID], **_: Any) -> None:
        for workflow_id in ids:
            retry(workflow_id)
            self.stdout.write(f"{workflow_id} runs again.")


def _written(line: Line) -> str:
    what = line.actor or f"{line.kind} of {line.size}"
    if line.hidden and line.size:
        what += f", {line.hidden} not shown"
    task = f"  {line.node_id}" if line.task_state else ""
    error = f"  {line.error[:60]}" if line.error else ""
    indent = "  " * line.depth
    return f"{indent}{line.place:<5} {what:<30} {line.state:<9}{task}{error}".rstrip()
