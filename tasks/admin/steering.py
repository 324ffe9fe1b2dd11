"""Schedules and workers in admin."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from fliptech_site.errors import FlipTechError
from tasks import crontab, planning
from tasks.admin.reading import ReadOnlyAdmin
from tasks.models import Schedule, Worker


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Worker processes, the living ones first."""

    list_display = (
        "__str__",
        "life",
        "queue_names",
        "threads",
        "tasks_done",
        "memory",
        "heartbeat",
    )
    readonly_fields = (
        "host", "pid", "queues", "threads", "started_at", "heartbeat_at", "stopped_at",
        "memory_bytes", "tasks_done", "requested",
    )  # fmt: skip
    actions = ("quiet_workers", "stop_workers")

    @display(
        description="State",
        label={
            "alive": "success",
            "quiet": "warning",
            "stopping": "warning",
            "silent": "danger",
            "stopped": "info",
        },
    )
    def life(self, worker: Worker) -> str:
        """Whether it still beats, and what was asked of it."""
        if worker.stopped_at:
            return "stopped"
        silence = (timezone.now() - worker.heartbeat_at).total_seconds()
        if silence > settings.TASK_LEASE_SECONDS:
            return "silent"
        asked = {"quiet": "quiet", "stop": "stopping"}
        return asked.get(worker.requested, "alive")

    @display(description="Heartbeat", ordering="heartbeat_at")
    def heartbeat(self, worker: Worker) -> str:
        """How long ago it beat last."""
        return f"{naturaltime(worker.heartbeat_at)}"

    @action(description="Quiet: take no more work", permissions=["change"])
    def quiet_workers(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Ask each of the chosen to finish what it runs and take nothing more."""
        count = queryset.filter(stopped_at__isnull=True, requested="").update(
            requested=Worker.Request.QUIET
        )
        messages.success(request, f"{count} workers take no more work.")

    @action(
        description="Stop in good order (a supervisor starts another)",
        permissions=["change"],
    )
    def stop_workers(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Ask each of the chosen to end."""
        count = queryset.filter(stopped_at__isnull=True).update(
            requested=Worker.Request.STOP
        )
        messages.success(request, f"{count} workers are asked to stop.")

    @display(description="Queues")
    def queue_names(self, worker: Worker) -> str:
        """The queues that it serves."""
        return ", ".join(worker.queues)

    @display(description="Memory")
    def memory(self, worker: Worker) -> str:
        """Resident memory at the last heartbeat."""
        return f"{worker.memory_bytes / 1_048_576:.0f} MB"


@admin.register(Schedule)
class ScheduleAdmin(ModelAdmin):
    """Standing orders: when each runs next, pause and run now."""

    list_display = (
        "name",
        "words",
        "timezone",
        "state_badge",
        "next_run_at",
        "last_planned_at",
    )
    list_filter = ("is_enabled", "is_declared")
    search_fields = ("name", "actor")
    fieldsets = (
        (None, {"fields": ("name", "actor", "kwargs", "is_enabled")}),
        ("Times", {"fields": ("cron", "timezone", "words", "next_runs", "last_planned_at")}),
        ("When it does not go to plan", {"fields": ("misfire", "overlap", "problem")}),
    )  # fmt: skip
    actions = ("run_now", "pause_schedules", "resume_schedules")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Schedule | None = None
    ) -> tuple[str, ...]:
        """What the machinery writes, and of a declared one what its actor says."""
        written = ("words", "next_runs", "last_planned_at", "problem")
        if obj is not None and obj.is_declared:
            return ("name", "actor", "kwargs", "cron", *written)
        return written

    def has_delete_permission(
        self, request: HttpRequest, obj: Schedule | None = None
    ) -> bool:
        """Refuse for declared ones: they would come back; pause them."""
        if obj is not None and obj.is_declared:
            return False
        return bool(super().has_delete_permission(request, obj))

    @display(
        description="State",
        label={"active": "success", "paused": "warning", "broken": "danger"},
    )
    def state_badge(self, schedule: Schedule) -> str:
        """Active, paused, or broken with the reason on its page."""
        if not schedule.is_enabled:
            return "paused"
        return "broken" if schedule.problem else "active"

    @display(description="In words", ordering="cron")
    def words(self, schedule: Schedule) -> str:
        """The expression in English."""
        try:
            return crontab.in_words(schedule.cron) if schedule.cron else "–"
        except FlipTechError as error:
            return str(error)

    @display(description="Next runs")
    def next_runs(self, schedule: Schedule) -> str:
        """The next five, in the schedule's own time zone."""
        if not schedule.cron:
            return "–"
        try:
            runs = crontab.preview(schedule.cron, schedule.timezone, timezone.now())
        except FlipTechError as error:
            return str(error)
        return format_html_join(mark_safe("<br>"), "{}", ((run,) for run in runs))

    def save_model(
        self, request: HttpRequest, obj: Schedule, form: object, change: bool
    ) -> None:
        """Compute the next run from the new expression; a pause is no downtime."""
        obj.next_run_at, obj.problem = planning.time_after(obj, timezone.now()), ""
        super().save_model(request, obj, form, change)

    @action(description="Run now", permissions=["change"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Enqueue the actor of each chosen schedule once."""
        for schedule in queryset:
            try:
                planning.run_now(schedule)
            except FlipTechError as error:
                messages.error(request, f"{schedule.name}: {error}")
            else:
                messages.success(request, f"{schedule.actor} is enqueued.")

    @action(description="Pause", permissions=["change"])
    def pause_schedules(
        self, request: HttpRequest, queryset: QuerySet[Schedule]
    ) -> None:
        """Let the chosen ones plan nothing."""
        self._enable(request, queryset, False)

    @action(description="Resume", permissions=["change"])
    def resume_schedules(
        self, request: HttpRequest, queryset: QuerySet[Schedule]
    ) -> None:
        """Let the chosen ones plan again, from now on."""
        self._enable(request, queryset, True)

    def _enable(
        self, request: HttpRequest, queryset: QuerySet[Schedule], is_enabled: bool
    ) -> None:
        for schedule in queryset:
            schedule.is_enabled = is_enabled
            try:
                schedule.next_run_at = planning.time_after(schedule, timezone.now())
            except FlipTechError as error:
                messages.error(request, f"{schedule.name}: {error}")
                continue
            schedule.save(update_fields=["is_enabled", "next_run_at"])
            told = "runs again" if is_enabled else "is paused"
            messages.success(request, f"{schedule.name} {told}.")
