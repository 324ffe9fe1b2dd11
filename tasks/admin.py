"""Tasks, workers and schedules in admin."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from fliptech_site.errors import FlipTechError
from tasks import throttling
from tasks.controlling import cancel, retry
from tasks.enqueueing import enqueue
from tasks.metrics import queue_lengths
from tasks.models import Attempt, Queue, Schedule, Task, Worker
from tasks.planning import next_run

_COLOURS = {
    "pending": "info",
    "running": "info",
    "retrying": "warning",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "warning",
}


class ReadOnlyAdmin(ModelAdmin):
    """The ledger is written by the machinery; people look, cancel and retry."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: rows come from enqueueing."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: rows go by pruning."""
        return False


class AttemptInline(TabularInline):
    """The runs of a task that have ended."""

    model = Attempt
    fields = (
        "number",
        "outcome",
        "started_at",
        "seconds",
        "error_message",
        "trace",
        "log_lines",
    )
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: attempts are history."""
        return False

    @display(description="Seconds")
    def seconds(self, attempt: Attempt) -> str:
        """How long the run took."""
        return f"{(attempt.finished_at - attempt.started_at).total_seconds():.3f}"

    @display(description="Traceback")
    def trace(self, attempt: Attempt) -> str:
        """The traceback, folded away."""
        return _folded(attempt.traceback)

    @display(description="Log")
    def log_lines(self, attempt: Attempt) -> str:
        """What the run logged, folded away."""
        return _folded(attempt.log)


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
    list_filter = ("state", "queue", "actor")
    search_fields = ("actor", "unique_key", "error_message")
    list_per_page = 50
    # The exact count of a long history costs more than the page itself.
    show_full_result_count = False
    ordering = ("-created_at",)
    inlines = (AttemptInline,)
    actions = ("retry_tasks", "cancel_tasks")
    fieldsets = (
        (None, {"fields": ("actor", "state_badge", "queue", "priority", "progress")}),
        ("Work", {"fields": ("arguments", "result_text", "error_class", "error_message")}),
        (
            "Life",
            {
                "fields": (
                    "created_at", "run_at", "published_at", "started_at", "finished_at",
                    "lease_until", "tries", "rescues", "worker",
                )
            },
        ),
        ("Origin", {"fields": ("unique_key", "schedule", "planned_at", "parent_id", "root_id")}),
    )  # fmt: skip

    def get_readonly_fields(
        self, request: HttpRequest, obj: object = None
    ) -> list[str]:
        """Everything: a task is changed by its actions only."""
        return [name for _, section in self.fieldsets for name in section["fields"]]

    @display(description="Status", label=_COLOURS, ordering="state")
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

    @display(description="Age", ordering="created_at")
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
        return task.error_message[:100] or "–"

    @display(description="Arguments")
    def arguments(self, task: Task) -> str:
        """What the actor is called with."""
        shown = {"args": task.args} if task.args else {}
        return json.dumps(shown | task.kwargs, indent=2)

    @display(description="Result")
    def result_text(self, task: Task) -> str:
        """What the actor returned."""
        return json.dumps(task.result, indent=2)

    @action(description="Run again (failed or cancelled)", permissions=["change"])
    def retry_tasks(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Retry each of the chosen tasks."""
        for task in queryset:
            try:
                retry(task.pk)
            except FlipTechError as error:
                messages.warning(request, str(error))
            else:
                messages.success(request, f"{task.actor} runs again.")

    @action(description="Cancel", permissions=["change"])
    def cancel_tasks(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Cancel each of the chosen tasks, or ask it to stop."""
        for task in queryset:
            state = cancel(task.pk)
            messages.info(request, f"{task.actor} is {state}.")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Worker processes, the living ones first."""

    list_display = ("__str__", "life", "queue_names", "threads", "tasks_done", "memory")
    readonly_fields = (
        "host", "pid", "queues", "threads", "started_at", "heartbeat_at", "stopped_at",
        "memory_bytes", "tasks_done",
    )  # fmt: skip

    @display(description="State", label={"alive": "success", "stopped": "info"})
    def life(self, worker: Worker) -> str:
        """Whether it still beats."""
        return "stopped" if worker.stopped_at else "alive"

    @display(description="Queues")
    def queue_names(self, worker: Worker) -> str:
        """The queues that it serves."""
        return ", ".join(worker.queues)

    @display(description="Memory")
    def memory(self, worker: Worker) -> str:
        """Resident memory at the last heartbeat."""
        return f"{worker.memory_bytes / 1_048_576:.0f} MB"


@admin.register(Queue)
class QueueAdmin(ReadOnlyAdmin):
    """The queues: pause, resume, drain, and limits, obeyed within two seconds."""

    list_display = ("name", "state_badge", "rate_per_minute", "concurrency", "backlog")
    list_editable = ("rate_per_minute", "concurrency")
    fields = ("name", "state_badge", "rate_per_minute", "concurrency", "backlog")
    readonly_fields = ("name", "state_badge", "backlog")
    actions = ("pause_queues", "resume_queues", "drain_queues")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        """Every queue of settings, with what waits and runs in it."""
        throttling.ensure_rows()
        self._backlogs = {row[0]: row[1:] for row in queue_lengths()}
        rows: QuerySet[Queue] = super().get_queryset(request)
        return rows.filter(name__in=settings.QUEUES)

    @display(
        description="State",
        label={"open": "success", "paused": "warning", "draining": "info"},
    )
    def state_badge(self, queue: Queue) -> str:
        """Open, paused or draining."""
        return queue.status

    @display(description="Backlog")
    def backlog(self, queue: Queue) -> str:
        """How much waits and runs."""
        scheduled, queued, running = self._backlogs.get(queue.name, (0, 0, 0))
        return f"{scheduled} scheduled, {queued} queued, {running} running"

    @action(description="Pause: begin nothing", permissions=["change"])
    def pause_queues(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Pause each of the chosen queues."""
        self._each(request, queryset, throttling.pause, "is paused")

    @action(description="Resume", permissions=["change"])
    def resume_queues(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Resume each of the chosen queues."""
        self._each(request, queryset, throttling.resume, "is open")

    @action(
        description="Drain: finish what is there, then pause", permissions=["change"]
    )
    def drain_queues(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Drain each of the chosen queues."""
        self._each(request, queryset, throttling.drain, "is draining")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Queue],
        act: Callable[[str], None],
        told: str,
    ) -> None:
        for name in list(queryset.values_list("name", flat=True)):
            act(name)
            messages.success(request, f"The queue {name} {told}.")


@admin.register(Schedule)
class ScheduleAdmin(ModelAdmin):
    """Standing orders: when each runs next, pause and run now."""

    list_display = (
        "name",
        "cron",
        "timezone",
        "is_enabled",
        "next_run_at",
        "last_planned_at",
    )
    readonly_fields = ("is_declared", "next_run_at", "last_planned_at")
    actions = ("run_now",)

    def save_model(
        self, request: HttpRequest, obj: Schedule, form: object, change: bool
    ) -> None:
        """Compute the next run from the new expression."""
        obj.next_run_at = next_run(obj.cron, obj.timezone, timezone.now())
        super().save_model(request, obj, form, change)

    @action(description="Run now", permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Enqueue the actor of each chosen schedule once."""
        for schedule in queryset:
            enqueue(schedule.actor, **schedule.kwargs)
            messages.success(request, f"{schedule.actor} is enqueued.")
