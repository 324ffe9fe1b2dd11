"""Leases and paces in admin, to be looked at."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from tasks.admin.reading import ReadOnlyAdmin
from tasks.models import Lease, Pace


class _UntouchableAdmin(ReadOnlyAdmin):
    """Rows whose holders would not hear of a change."""

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: these rows belong to what runs."""
        return False


@admin.register(Lease)
class LeaseAdmin(_UntouchableAdmin):
    """Who holds which slot or lock, and until when if it is not renewed."""

    list_display = ("key", "id", "owner", "taken_at", "expires_at", "is_awaited")
    search_fields = ("key", "owner")


@admin.register(Pace)
class PaceAdmin(_UntouchableAdmin):
    """Until when each shared pace is used up."""

    list_display = ("key", "next_at")
    search_fields = ("key",)
    ordering = ("-next_at",)
