"""Limits that many accounts and campaigns share, in admin."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat, Now
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from campaigns.models import SendingLimit
from campaigns.models.limit import EACH
from tasks.limit_rows import Counter


class SendingLimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """A limit whose name is one that is asked for when a mail goes."""

    class Meta:
        model = SendingLimit
        fields = ("scope", "name", "per_minute", "per_day")
        labels = {"per_minute": "Mails a minute", "per_day": "Mails a day"}
        help_texts = {
            "per_minute": "Blank for no limit.",
            "per_day": "On one day of the installation's time zone; blank for no limit.",
        }

    def clean(self) -> dict[str, Any]:
        """Refuse a limit that would never hold anybody."""
        cleaned: dict[str, Any] = super().clean() or {}
        scope, name = cleaned.get("scope"), (cleaned.get("name") or "").strip()
        if scope == SendingLimit.Scope.USER:
            if name != EACH and not get_user_model().objects.filter(username=name):
                self.add_error("name", f"There is no user {name!r}.")
        elif scope == SendingLimit.Scope.DOMAIN:
            name = name.lower().rpartition("@")[2]
            if name != EACH and "." not in name:
                self.add_error("name", "Write a domain such as gmail.com, or *.")
        else:
            name = name.lower()
        cleaned["name"] = name
        numbers = (cleaned.get("per_minute"), cleaned.get("per_day"))
        if numbers == (None, None) and not self.errors:
            self.add_error("per_day", "Write how much may go a minute, or a day.")
        return cleaned


@admin.register(SendingLimit)
class SendingLimitAdmin(ModelAdmin):
    """How much may go through one provider, to one domain or for one user."""

    form = SendingLimitForm
    list_display = ("holds_for", "per_minute", "per_day", "today")
    list_filter = ("scope",)
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SendingLimit]:
        """Bring along what is used up today."""
        rows: QuerySet[SendingLimit] = super().get_queryset(request)
        day = timezone.now().astimezone(ZoneInfo(settings.TIME_ZONE)).date()
        key = Concat(
            Value("email:day:"), OuterRef("scope"), Value(":"), OuterRef("name"),
            Value(f":{day:%Y-%m-%d}"),
        )  # fmt: skip
        counted = Counter.objects.filter(key=key, expires_at__gt=Now())
        return rows.annotate(used=Subquery(counted.values("value")[:1])).order_by(
            "scope", F("name")
        )

    @display(description="Holds for", ordering="scope")
    def holds_for(self, limit: SendingLimit) -> str:
        """Whose mails it counts together."""
        if limit.name == EACH:
            return f"each {limit.get_scope_display()} without a limit of its own"
        return f"{limit.get_scope_display()}: {limit.name}"

    @display(description="Used today")
    def today(self, limit: Any) -> str:
        """What of the day's mails is used up."""
        if limit.per_day is None:
            return "–"
        if limit.name == EACH:
            return "counted for each by itself"
        return f"{limit.used or 0:,} of {limit.per_day:,}"
