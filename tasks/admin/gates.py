"""Queues and actors in admin: what is let through of each, changed while all runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display

from tasks import throttling
from tasks.admin.reading import ReadOnlyAdmin
from tasks.declaring import load_actors
from tasks.metrics import actor_lengths, queue_lengths
from tasks.models import Actor, Queue


class GatedAdmin(ReadOnlyAdmin):
    """Rows to pause, resume and limit; obeyed within two seconds."""

    list_display: tuple[str, ...] = (
        "name", "state_badge", "rate_per_minute", "concurrency", "backlog",
    )  # fmt: skip
    list_editable = ("rate_per_minute", "concurrency")
    fields: tuple[str, ...] = list_display
    readonly_fields: tuple[str, ...] = ("name", "state_badge", "backlog")
    actions: tuple[str, ...] = ("pause_chosen", "resume_chosen")
    #: Where the backlogs come from.
    lengths: Callable[[], list[tuple[str, int, int, int]]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """All that there are, with what waits and runs of each."""
        throttling.ensure_rows(self.model)
        self._backlogs = {row[0]: row[1:] for row in type(self).lengths()}
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(name__in=throttling.names(self.model))

    @display(
        description="State",
        label={"open": "success", "paused": "warning", "draining": "info"},
    )
    def state_badge(self, row: Queue | Actor) -> str:
        """Open, paused or draining."""
        return row.status

    @display(description="Backlog")
    def backlog(self, row: Queue | Actor) -> str:
        """How much waits and runs."""
        counts = zip(
            self._backlogs.get(row.name, ()),
            ("scheduled", "queued", "running"),
            strict=False,
        )
        return ", ".join(f"{count} {state}" for count, state in counts if count) or "–"

    @action(description="Pause: begin nothing", permissions=["change"])
    def pause_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Pause each of the chosen."""
        for name in list(queryset.values_list("name", flat=True)):
            throttling.pause(name, self.model)
            messages.success(request, f"{name} is paused.")

    @action(description="Resume", permissions=["change"])
    def resume_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Resume each of the chosen."""
        for name in list(queryset.values_list("name", flat=True)):
            throttling.resume(name, self.model)
            messages.success(request, f"{name} is open.")


@admin.register(Queue)
class QueueAdmin(GatedAdmin):
    """The queues, which can be drained too."""

    lengths = staticmethod(queue_lengths)
    actions = (*GatedAdmin.actions, "drain_queues")

    @action(
        description="Drain: finish what is there, then pause", permissions=["change"]
    )
    def drain_queues(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Drain each of the chosen queues."""
        for name in list(queryset.values_list("name", flat=True)):
            throttling.drain(name)
            messages.success(request, f"{name} is draining.")


@admin.register(Actor)
class ActorAdmin(GatedAdmin):
    """The declared actors; a task passes its queue's gate and its actor's."""

    lengths = staticmethod(actor_lengths)
    list_display = ("name", "queue", *GatedAdmin.list_display[1:])
    fields = list_display
    readonly_fields = ("name", "queue", "state_badge", "backlog")
    search_fields = ("name",)
    list_per_page = 100
    # Those with a gate of their own first; there are many, and most have none.
    ordering = (
        F("is_paused").desc(),
        F("rate_per_minute").asc(nulls_last=True),
        F("concurrency").asc(nulls_last=True),
        "name",
    )

    @display(description="Queue")
    def queue(self, row: Actor) -> str:
        """The queue that it is declared in."""
        return str(load_actors()[row.name].queue_name)
