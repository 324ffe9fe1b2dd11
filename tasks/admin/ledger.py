"""Tasks and their attempts in admin."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.decorators import action, display

from fliptech_site.errors import FlipTechError
from tasks.admin.listing import (
    ActorFilter,
    CountedPages,
    HistoryList,
    QueueFilter,
    TimeFilter,
)
from tasks.admin.reading import ReadOnlyAdmin
from tasks.controlling import cancel, retry
from tasks.models import Attempt, Node, Task
from tasks.opening import opened
from tasks.sealing import SEALED, KeyMissing, shown_text
from tasks.searching import matching

COLOURS = {
    "pending": "info",
    "running": "info",
    "retrying": "warning",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "warning",
}


class AttemptInline(TabularInline):
    """The runs of a task that have ended."""

    model = Attempt
    fields = (
        "number",
        "outcome",
        "started_at",
        "seconds",
        "error",
        "trace",
        "log_lines",
    )
    readonly_fields = fields
    extra = 0
    # A task that limits put off is tried without end, and each run leaves a row.
    per_page = 20
    ordering = ("-number",)
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: attempts are history."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """Remember, in this request's inline, whether the texts may be read."""
        self._may_unseal = request.user.has_perm("tasks.unseal_task")
        rows: QuerySet[Attempt] = super().get_queryset(request)
        return rows

    @display(description="Error")
    def error(self, attempt: Attempt) -> str:
        """What went wrong."""
        return self._shown(attempt.error_message)

    @display(description="Seconds")
    def seconds(self, attempt: Attempt) -> str:
        """How long the run took."""
        return f"{(attempt.finished_at - attempt.started_at).total_seconds():.3f}"

    @display(description="Traceback")
    def trace(self, attempt: Attempt) -> str:
        """The traceback, folded away."""
        return _folded(self._shown(attempt.traceback))

    @display(description="Log")
    def log_lines(self, attempt: Attempt) -> str:
        """What the run logged, folded away."""
        return _folded(self._shown(attempt.log))

    def _shown(self, text: str) -> str:
        try:
            return shown_text(text, self._may_unseal)
        except KeyMissing as error:
            return str(error)


def _folded(text: str) -> str:
    if not text:
        return ""
    return format_html(
        "<details><summary>show</summary><pre style='white-space:pre-wrap'>{}</pre>"
        "</details>",
        text,
    )


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """Every task, what became of it, and what can be done about it."""

    list_display = (
        "actor",
        "state_badge",
        "queue",
        "tries",
        "progress",
        "age",
        "error",
    )
    list_filter = (
        "state",
        ("queue", QueueFilter),
        ("actor", ActorFilter),
        ("created_at", TimeFilter),
    )
    list_filter_submit = True
    search_fields = ("id",)
    search_help_text = (
        "An id, an actor, a unique key or its beginning, or words of a recent error."
    )
    list_per_page = 20
    # Counts and other orders read the whole history (see tasks.admin.listing).
    paginator = CountedPages
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    inlines = (AttemptInline,)
    actions = ("retry_tasks", "cancel_tasks")
    fieldsets = (
        (None, {"fields": ("actor", "state_badge", "queue", "priority", "progress")}),
        ("Work", {"fields": ("arguments", "result_text", "error_class", "error_text")}),
        (
            "Life",
            {
                "fields": (
                    "created_at", "run_at", "published_at", "started_at", "finished_at",
                    "lease_until", "tries", "rescues", "worker",
                )
            },
        ),
        ("Origin", {"fields": ("workflow", "unique_key", "schedule", "planned_at", "parent_id", "root_id")}),
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[HistoryList]:
        """The list that a long history does not slow down."""
        return HistoryList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        """What the text names; never the same task twice."""
        return matching(queryset, search_term), False

    def get_readonly_fields(
        self, request: HttpRequest, obj: object = None
    ) -> list[str]:
        """Everything: a task is changed by its actions only."""
        return [name for _, section in self.fieldsets for name in section["fields"]]

    @display(description="Status", label=COLOURS)
    def state_badge(self, task: Task) -> str:
        """The status in people's words."""
        return task.status

    @display(description="Tries")
    def tries(self, task: Task) -> str:
        """Runs started, and how many failures are allowed."""
        return f"{task.attempt} ({task.failures} of {task.max_attempts} failed)"

    @display(description="Progress")
    def progress(self, task: Task) -> str:
        """How far it says it has come."""
        if task.progress_total is None:
            return "–"
        return f"{task.progress_done} of {task.progress_total} {task.progress_note}"

    @display(description="Age")
    def age(self, task: Task) -> str:
        """Time since it was enqueued."""
        seconds = int((timezone.now() - task.created_at).total_seconds())
        for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
            if seconds >= size:
                return f"{seconds // size} {unit}"
        return f"{seconds} s"

    @display(description="Error")
    def error(self, task: Task) -> str:
        """The last error, shortened."""
        return task.error_shown[:100] or "–"

    @display(description="Workflow")
    def workflow(self, task: Task) -> str:
        """The workflow of which it is a step."""
        node = Node.objects.filter(pk=task.pk).select_related("workflow").first()
        if node is None:
            return "–"
        path = reverse("admin:tasks_workflow_change", args=[node.workflow_id])
        return format_html('<a href="{}">{}</a>', path, node.workflow.name)

    @display(description="Arguments")
    def arguments(self, task: Task) -> str:
        """What the actor is called with."""
        told = self._told(task)
        if isinstance(told, str):
            return told
        shown = {"args": told["args"]} if told["args"] else {}
        return json.dumps(shown | told["kwargs"], indent=2)

    @display(description="Result")
    def result_text(self, task: Task) -> str:
        """What the actor returned."""
        told = self._told(task)
        return told if isinstance(told, str) else json.dumps(told["result"], indent=2)

    @display(description="Error message")
    def error_text(self, task: Task) -> str:
        """The last error, whole."""
        told = self._told(task)
        return task.error_shown if isinstance(told, str) else told["error"] or "–"

    def get_object(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> Task | None:
        """Find the task, and note on it whether this person may read what it carries."""
        task: Task | None = super().get_object(request, *args, **kwargs)
        if task is not None:
            task.may_be_unsealed = request.user.has_perm("tasks.unseal_task")
        return task

    def _told(self, task: Task) -> dict[str, Any] | str:
        """What the task carries, or why that can't be shown."""
        if task.is_sealed and not task.may_be_unsealed:
            return SEALED
        try:
            return opened(task)
        except KeyMissing as error:
            return str(error)

    @action(description="Run again (failed or cancelled)", permissions=["change"])
    def retry_tasks(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Retry each of the chosen tasks."""
        for task in queryset[: CountedPages.LIMIT]:
            try:
                retry(task.pk)
            except FlipTechError as error:
                messages.warning(request, str(error))
            else:
                messages.success(request, f"{task.actor} runs again.")

    @action(description="Cancel", permissions=["change"])
    def cancel_tasks(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Cancel each of the chosen tasks, or ask it to stop."""
        for task in queryset[: CountedPages.LIMIT]:
            state = cancel(task.pk)
            messages.info(request, f"{task.actor} is {state}.")
