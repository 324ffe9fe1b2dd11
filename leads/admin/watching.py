"""Recurring scrapes and what is wrong with sources, in admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from fliptech_site.errors import FlipTechError
from leads.admin.showing import ReadOnlyAdmin
from leads.checking_scrapes import CHECKS
from leads.models import RecurringScrape, SourceNotice
from leads.recurring import check_recurring, recurring_name
from tasks.admin.steering import ScheduleAdmin


class RecurringScrapeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A source, its parameters and the times; what could never run is refused."""

    scraped = forms.ChoiceField(
        label="Source",
        choices=[(name, name.replace("_", " ")) for name in CHECKS],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = RecurringScrape
        fields = ("kwargs", "is_enabled", "cron", "timezone", "misfire", "overlap")
        labels = {"kwargs": "Parameters", "cron": "Cron expression"}
        help_texts = {
            "kwargs": (
                'craigslist: {"location": "sfbay", "category": "bbb"}; google_maps:'
                ' {"query": "plumber", "location": "Austin, TX"}; job_boards:'
                ' {"board": "lever", "company": "their-name"}'
            ),
            "cron": "Minute, hour, day, month, weekday: 30 6 * * 1 is Mondays at 6:30.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Show the source of the row that is changed; a new one never overlaps itself."""
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["scraped"].initial = self.instance.source
        elif "overlap" in self.fields:
            self.fields["overlap"].initial = RecurringScrape.Overlap.SKIP

    def clean(self) -> dict[str, Any]:
        """Give the parameters in their one spelling, and the row its actor and name."""
        given: dict[str, Any] = super().clean() or {}
        if "scraped" not in given:
            return given
        parameters = given.get("kwargs") or {}
        if not isinstance(parameters, dict):
            self.add_error("kwargs", "Write an object, like {}.")
            return given
        try:
            actor, checked = check_recurring(given["scraped"], parameters)
        except FlipTechError as error:
            self.add_error("kwargs", str(error))
            # The row's own check would only say the same in the ledger's words.
            self.instance.actor = f"scrape_{given['scraped']}"
            return given
        given["kwargs"] = checked
        name = recurring_name(given["scraped"], checked)
        twins = RecurringScrape.objects.filter(name=name).exclude(pk=self.instance.pk)
        if twins.exists():
            self.add_error(
                "kwargs", "This very scrape is scheduled already: change that."
            )
        self.instance.actor, self.instance.name = actor, name
        return given


_WHAT: Any = ("scraped", "kwargs", "is_enabled")


@admin.register(RecurringScrape)
class RecurringScrapeAdmin(ScheduleAdmin):
    """Scrapes that the clock repeats: what, when, next runs, pause and run now."""

    form = RecurringScrapeForm
    list_display = (
        "name",
        "words",
        "timezone",
        "state_badge",
        "next_run_at",
        "last_planned_at",
    )
    list_filter = ("is_enabled", "timezone")
    fieldsets = (
        (None, {"fields": _WHAT}),
        (
            "Times",
            {"fields": ("cron", "timezone", "words", "next_runs", "last_planned_at")},
        ),
        ("When it does not go to plan", {"fields": ("misfire", "overlap", "problem")}),
    )


@admin.register(SourceNotice)
class SourceNoticeAdmin(ReadOnlyAdmin):
    """Sources that stalled, were blocked or drifted, the newest first."""

    list_display = ("source", "kind_badge", "reason", "noticed_at", "cleared_at")
    list_filter = ("kind", "source", ("cleared_at", admin.EmptyFieldListFilter))
    ordering = ("-noticed_at",)
    fields = ("source", "kind", "reason", "noticed_at", "seen_at", "cleared_at")
    show_full_result_count = False

    @display(
        description="What",
        label={
            "stalled": "warning",
            "blocked": "danger",
            "drifting": "warning",
            "over": "info",
        },
    )
    def kind_badge(self, notice: SourceNotice) -> str:
        """What is wrong, or that it is over."""
        return "over" if notice.cleared_at else notice.kind

    def get_readonly_fields(
        self, request: HttpRequest, obj: SourceNotice | None = None
    ) -> tuple[str, ...]:
        """All of them."""
        return self.fields
