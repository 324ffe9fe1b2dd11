"""The base of pages that only show."""

from __future__ import annotations

from django.http import HttpRequest
from unfold.admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """The ledger is written by the machinery; people look, cancel and retry."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: rows come from enqueueing."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: rows go by pruning."""
        return False
