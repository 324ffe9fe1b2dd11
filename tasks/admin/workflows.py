"""Workflows in admin: how far each is, its tree of steps, cancel and retry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from fliptech_site.dialogs import ask
from fliptech_site.errors import FlipTechError
from tasks import workflows
from tasks.admin.reading import ReadOnlyAdmin
from tasks.admin.workflow_tree import (
    in_words,
    progress_bar,
    task_link,
    tree_row,
)
from tasks.models import Node, Workflow
from tasks.workflows.showing import lines_of
from tasks.workflows.telling import counts_in_words, step_counts

_LABELS = {
    "waiting": "default",
    "running": "info",
    "stopping": "warning",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "warning",
}


@admin.register(Workflow)
class WorkflowAdmin(ReadOnlyAdmin):
    """Every workflow, how far it is, and what can be done about it."""

    list_display = (
        "name",
        "state_badge",
        "progress",
        "duration",
        "created_at",
        "error",
    )
    list_filter = ("state", "on_failure")
    search_fields = ("name", "error_message")
    list_per_page = 50
    # The exact count of a long history costs more than the page itself.
    show_full_result_count = False
    ordering = ("-created_at",)
    actions = ("retry_chosen", "cancel_chosen")
    actions_detail = ("retry_one", "cancel_one")
    fieldsets = (
        (
            None,
            {"fields": ("name", "state_badge", "progress", "counts", "error_message")},
        ),
        ("Steps", {"fields": ("tree",)}),
        (
            "Life",
            {
                "fields": (
                    "on_failure", "run", "created_at", "finished_at", "duration",
                    "cancel_requested_at", "parent_id", "root_id",
                )
            },
        ),
    )  # fmt: skip

    def get_readonly_fields(
        self, request: HttpRequest, obj: object = None
    ) -> list[str]:
        """Everything: a workflow is changed by its buttons only."""
        return [name for _, section in self.fieldsets for name in section["fields"]]

    # --- what is shown --------------------------------------------------------------

    @display(description="State", label=_LABELS, ordering="state")
    def state_badge(self, workflow: Workflow) -> str:
        """The state as a badge."""
        return workflow.state

    @display(description="Progress")
    def progress(self, workflow: Workflow) -> SafeString | str:
        """Steps by state as a bar."""
        return progress_bar(_counts_of(workflow))

    @display(description="Steps")
    def counts(self, workflow: Workflow) -> str:
        """Steps by state in figures."""
        return counts_in_words(_counts_of(workflow))

    @display(description="Duration")
    def duration(self, workflow: Workflow) -> str:
        """Time from its start to its end, or until now."""
        end = workflow.finished_at or timezone.now()
        return in_words((end - workflow.created_at).total_seconds())

    @display(description="Error")
    def error(self, workflow: Workflow) -> str:
        """Which step failed and why, shortened."""
        return workflow.error_message[:100] or "–"

    @display(description="Tree")
    def tree(self, workflow: Workflow) -> SafeString:
        """The steps with their states, linked to their tasks."""
        is_over = workflow.finished_at is not None
        rows = [tree_row(line, is_over=is_over) for line in lines_of(workflow)]
        return format_html(
            '<div style="overflow-x:auto;line-height:1.9">{}</div>',
            format_html_join("", "{}", ((row,) for row in rows)),
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Leave out the buttons that save: nothing can be typed here."""
        hidden = {"show_save": False, "show_save_and_continue": False}
        shown: HttpResponse = super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **hidden}
        )
        return shown

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Bring the counts of the page along, in one query."""
        changes = super().get_changelist_instance(request)
        rows = list(changes.result_list)
        counts = step_counts(row.pk for row in rows)
        for row in rows:
            row.step_counts = counts.get(row.pk, {})
        changes.result_list = rows
        return changes

    # --- what can be done ---------------------------------------------------------------

    @action(
        description="Retry",
        url_path="retry",
        icon="replay",
        permissions=["change"],
        dialog=ask(
            "Run what is missing again?",
            "What failed or was cancelled runs again, then what comes after it. What"
            " succeeded keeps its result.",
            "Retry",
        ),
    )
    def retry_one(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Retry the workflow that is open."""
        return self._one(request, object_id, workflows.retry, "runs again")

    @action(
        description="Cancel",
        url_path="cancel",
        icon="cancel",
        permissions=["change"],
        dialog=ask(
            "Cancel this workflow?",
            "Waiting steps are cancelled, running ones are asked to stop. It can be"
            " retried later.",
            "Cancel it",
        ),
    )
    def cancel_one(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Cancel the workflow that is open."""
        return self._one(request, object_id, workflows.cancel, "is cancelled")

    @action(description="Retry (failed or cancelled)", permissions=["change"])
    def retry_chosen(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> None:
        """Retry each of the chosen workflows."""
        for workflow in queryset:
            self._do(request, workflow, workflows.retry, "runs again")

    @action(description="Cancel", permissions=["change"])
    def cancel_chosen(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> None:
        """Cancel each of the chosen workflows."""
        for workflow in queryset:
            self._do(request, workflow, workflows.cancel, "is cancelled")

    def _one(
        self,
        request: HttpRequest,
        object_id: str,
        do: Callable[[UUID], object],
        done: str,
    ) -> HttpResponse:
        workflow = self.get_object(request, object_id)
        if workflow is None:
            messages.warning(request, "This workflow is not there any more.")
        else:
            self._do(request, workflow, do, done)
        path = reverse("admin:tasks_workflow_change", args=[object_id])
        return HttpResponse(headers={"HX-Redirect": path})

    def _do(
        self,
        request: HttpRequest,
        workflow: Workflow,
        do: Callable[[UUID], object],
        done: str,
    ) -> None:
        try:
            do(workflow.pk)
        except FlipTechError as error:
            messages.warning(request, str(error))
        else:
            self.log_change(request, workflow, f"{workflow} {done}.")
            messages.success(request, f"{workflow} {done}.")


@admin.register(Node)
class NodeAdmin(ReadOnlyAdmin):
    """The steps of workflows that a tree has no room for."""

    list_display = ("__str__", "kind", "role", "position", "state_badge", "task")
    list_filter = ("state", "kind")
    list_select_related = ("workflow",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("id",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: nodes are changed by what happens to their tasks."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Refuse an entry of its own: the way here leads through a workflow."""
        return False

    @display(description="State", label=_LABELS, ordering="state")
    def state_badge(self, node: Node) -> str:
        """The state as a badge."""
        return node.state

    @display(description="Task")
    def task(self, node: Node) -> SafeString | str:
        """A link to its task."""
        has_task = node.kind == Node.Kind.STEP and node.state != "waiting"
        return task_link(node.pk, str(node.pk)) if has_task else "–"


def _counts_of(workflow: Workflow) -> dict[str, int]:
    counts: dict[str, int] | None = getattr(workflow, "step_counts", None)
    if counts is None:
        counts = step_counts([workflow.pk]).get(workflow.pk, {})
        workflow.step_counts = counts  # type: ignore[attr-defined]
    return counts
