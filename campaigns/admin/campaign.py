"""Campaigns in admin: progress at a glance, and what can be done about them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.views import ChangeList

from campaigns import launching
from campaigns.admin.account import RotationInline
from campaigns.admin.campaign_form import AUDIENCE_FIELDS, CampaignForm
from campaigns.admin.campaign_page import CampaignPage
from campaigns.admin.showing import CAMPAIGN_COLOURS, progress_bar
from campaigns.admin.splits import VariantInline, split_panel
from campaigns.admin.steps import StepInline
from campaigns.measuring import figures_of
from campaigns.models import Campaign, DailyFigures
from campaigns.models.counts import What
from leads.admin.showing import ReadOnlyAdmin


@admin.register(Campaign)
class CampaignAdmin(CampaignPage):
    """One message to many leads."""

    list_display = (
        "name", "state_badge", "progress", "skipped", "opened", "clicked", "replied",
        "launched_at",
    )  # fmt: skip
    list_filter = ("state", "account")
    search_fields = ("name",)
    list_select_related = ("account",)
    form = CampaignForm
    inlines = (StepInline, VariantInline, RotationInline)
    actions = ("launch_chosen", "pause_chosen", "resume_chosen", "cancel_chosen")
    readonly_fields = (
        "state_badge", "state_reason", "launched_at", "finished_at", "split_panel",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name", "account", "min_score", "quiet_days", "per_day",
                    "new_leads_per_day", "scheduled_at",
                )
            },
        ),
        (
            "Who and when",
            {
                "classes": ("tab",),
                "fields": (
                    *AUDIENCE_FIELDS, "consent_rule", "is_growing", "windows",
                    "by_recipients_clock",
                ),
            },
        ),
        (
            "Split tests",
            {
                "classes": ("tab",),
                "fields": (
                    "split_panel", "split_metric", "split_hours", "split_sample",
                    "split_threshold", "split_decides", "split_adapts",
                ),
            },
        ),
        (
            "How it stands",
            {
                "fields": (
                    "state_badge", "state_reason", "launched_at", "finished_at",
                )
            },
        ),
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Bring the counts along for the rows of one page."""
        return CampaignList

    def get_readonly_fields(
        self, request: HttpRequest, obj: Campaign | None = None
    ) -> tuple[str, ...]:
        """What was said and to whom stays as it was once mails are out."""
        if obj is None or obj.launched_at is None:
            return self.readonly_fields
        return (*self.readonly_fields, "account", "scheduled_at")

    def has_delete_permission(
        self, request: HttpRequest, obj: Campaign | None = None
    ) -> bool:
        """Keep what was launched: its mails are the record of whom we wrote to."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or obj.launched_at is None)

    # --- what is shown --------------------------------------------------------------

    @display(description="State", label=CAMPAIGN_COLOURS, ordering="state")
    def state_badge(self, campaign: Campaign) -> str:
        """The state as a badge."""
        return campaign.get_state_display()

    @display(description="Mails")
    def progress(self, campaign: Campaign) -> SafeString | str:
        """Mails by state as a bar."""
        return progress_bar(_figures(campaign)["emails"])

    @display(description="Skipped")
    def skipped(self, campaign: Campaign) -> str:
        """Leads that get no mail."""
        return f"{sum(_figures(campaign)['skipped'].values()):,}"

    @display(description="Variants")
    def split_panel(self, campaign: Campaign) -> SafeString | str:
        """How each variant does, with what is not known of it yet."""
        # Unfold's templates ask for a field's contents seven times.
        shown: Any = campaign
        if not hasattr(shown, "shown_split"):
            shown.shown_split = split_panel(campaign)
        return shown.shown_split  # type: ignore[no-any-return]

    @display(description="Opened")
    def opened(self, campaign: Campaign) -> str:
        """Mails that people opened."""
        return _told(campaign, What.OPENED)

    @display(description="Clicked")
    def clicked(self, campaign: Campaign) -> str:
        """Mails with a link that people clicked."""
        return _told(campaign, What.CLICKED)

    @display(description="Replied")
    def replied(self, campaign: Campaign) -> str:
        """Mails that people answered."""
        return _told(campaign, What.REPLIED)

    # --- for the chosen ones ----------------------------------------------------------

    @action(description="Launch", permissions=["change"])
    def launch_chosen(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        """Enqueue the launch of each."""
        launch = partial(launching.request_launch, user_id=request.user.pk)
        self._each(request, queryset, launch, "is being launched")

    @action(description="Pause", permissions=["change"])
    def pause_chosen(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        """Pause each at once."""
        self._each(request, queryset, launching.pause, "is paused")

    @action(description="Resume", permissions=["change"])
    def resume_chosen(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        """Resume each at once."""
        self._each(request, queryset, launching.resume, "goes on")

    @action(description="Cancel for good", permissions=["change"])
    def cancel_chosen(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        """Cancel each at once."""
        self._each(request, queryset, launching.cancel, "is cancelled")

    def _each(
        self,
        request: HttpRequest,
        campaigns: QuerySet[Campaign],
        do: Callable[[int], object],
        done: str,
    ) -> None:
        for campaign in campaigns:
            self.do_one(request, campaign, do, done)


class CampaignList(ChangeList):
    """One page of campaigns, each with its figures."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the counts of all rows at once."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)  # type: ignore[has-type]
        figures = figures_of([campaign.pk for campaign in rows])
        for campaign in rows:
            campaign.shown_figures = figures[campaign.pk]
        self.result_list = rows


def _told(campaign: Campaign, what: str) -> str:
    return f"{_figures(campaign)['events'].get(what, 0):,}"


def _figures(campaign: Campaign) -> dict[str, Any]:
    shown: dict[str, Any] | None = getattr(campaign, "shown_figures", None)
    return shown or figures_of([campaign.pk])[campaign.pk]


@admin.register(DailyFigures)
class DailyFiguresAdmin(ReadOnlyAdmin):
    """What each campaign did on each day."""

    list_display = (
        "day", "campaign", "step", "sent", "failed", "in_doubt", "opened", "clicked",
        "demo_viewed", "replied", "bounced", "complained", "unsubscribed",
    )  # fmt: skip
    list_filter = ("campaign",)
    list_select_related = ("campaign",)
    date_hierarchy = "day"
