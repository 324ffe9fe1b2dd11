"""Limits that many accounts and campaigns share, in admin."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin

from campaigns.models import SendingLimit


@admin.register(SendingLimit)
class SendingLimitAdmin(ModelAdmin):
    """How much may go through one provider, to one domain or for one user."""

    list_display = ("scope", "name", "per_minute", "per_day")
    list_filter = ("scope",)
    search_fields = ("name",)
