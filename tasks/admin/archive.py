"""Archived tasks in admin: what became of a task long ago."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from tasks.admin.ledger import COLOURS
from tasks.admin.reading import ReadOnlyAdmin
from tasks.models import ArchivedTask

#: Rows that are counted and can be paged through; the others are found by searching.
SHOWN = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than `SHOWN`: an exact count would read every month."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, at most `SHOWN`."""
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk")[:SHOWN])


@admin.register(ArchivedTask)
class ArchivedTaskAdmin(ReadOnlyAdmin):
    """The newest archived tasks; older ones by id, actor or state."""

    list_display = ("actor", "state_badge", "queue", "attempt", "finished_at", "error")
    list_filter = ("state",)
    search_fields = ("actor",)
    search_help_text = f"Id or actor; the newest {SHOWN:,} are listed"
    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ("-finished_at",)
    fields = (
        "id", "actor", "state_badge", "queue", "attempt", "failures", "rescues",
        "created_at", "started_at", "finished_at", "error_class", "error_message",
        "unique_key", "parent_id", "root_id",
    )  # fmt: skip
    readonly_fields = fields

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: what is archived is history."""
        return False

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[ArchivedTask],
        search_term: str,
    ) -> tuple[QuerySet[ArchivedTask], bool]:
        """Look up an id or an actor, since both have an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            return queryset.filter(actor=term), False

    @display(description="Status", label=COLOURS, ordering="state")
    def state_badge(self, task: ArchivedTask) -> str:
        """How it ended."""
        return task.state

    @display(description="Error")
    def error(self, task: ArchivedTask) -> str:
        """The last error, shortened."""
        return task.error_message[:60] or "–"
