"""Campaigns in admin: progress at a glance, and what can be done about them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from campaigns import launching
from campaigns.admin.campaign_buttons import CampaignButtons
from campaigns.admin.showing import CAMPAIGN_COLOURS, count_list, progress_bar
from campaigns.admin.steps import StepInline
from campaigns.models import Campaign, DailyFigures, Recipient
from campaigns.states import CampaignState, EmailState
from leads.admin.showing import ReadOnlyAdmin


@admin.register(Campaign)
class CampaignAdmin(CampaignButtons):
    """One message to many leads."""

    list_display = (
        "name", "state_badge", "progress", "skipped", "opened", "clicked", "launched_at",
    )  # fmt: skip
    list_filter = ("state", "account")
    search_fields = ("name",)
    list_select_related = ("account",)
    inlines = (StepInline,)
    actions = ("launch_chosen", "pause_chosen", "resume_chosen", "cancel_chosen")
    readonly_fields = (
        "state_badge", "state_reason", "progress", "mails", "skipped_reasons",
        "recipients_link", "launched_at", "finished_at", "opened", "clicked", "figures_at",
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
            "How it stands",
            {
                "fields": (
                    "state_badge", "state_reason", "progress", "mails",
                    "skipped_reasons", "recipients_link", "opened", "clicked",
                    "figures_at", "launched_at", "finished_at",
                )
            },
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        """Bring the counts along: one join and one subquery for the whole page."""
        skipped = (
            Recipient.objects.filter(
                campaign=OuterRef("pk"), state=Recipient.State.SKIPPED
            )
            .order_by()
            .values("campaign")
            .annotate(n=Count("*"))
            .values("n")
        )
        counts = {
            f"n_{state}": Count("emails", filter=Q(emails__state=state))
            for state in EmailState.values
        }
        rows: QuerySet[Campaign] = super().get_queryset(request)
        return rows.annotate(**counts, n_left_out=Coalesce(Subquery(skipped), 0))

    def get_readonly_fields(
        self, request: HttpRequest, obj: Campaign | None = None
    ) -> tuple[str, ...]:
        """What was said and to whom stays as it was once mails are out."""
        if obj is None or obj.state in (CampaignState.DRAFT, CampaignState.SCHEDULED):
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
        return progress_bar(_counts(campaign))

    @display(description="Mails by state")
    def mails(self, campaign: Campaign) -> SafeString | str:
        """Mails by state in figures."""
        return count_list(
            {state: count for state, count in _counts(campaign).items() if count}
        )

    @display(description="Skipped")
    def skipped(self, campaign: Campaign) -> int:
        """Leads that get no mail."""
        return int(getattr(campaign, "n_left_out", 0))

    @display(description="Skipped, by reason")
    def skipped_reasons(self, campaign: Campaign) -> SafeString | str:
        """Leads that get no mail, by reason."""
        rows = campaign.recipients.filter(state=Recipient.State.SKIPPED)
        counts = rows.order_by().values_list("reason").annotate(n=Count("*"))
        return count_list(dict(counts))

    @display(description="Recipients")
    def recipients_link(self, campaign: Campaign) -> SafeString:
        """The recipients, each with its why."""
        url = reverse("admin:campaigns_recipient_changelist")
        return format_html(
            '<a href="{}?campaign__id__exact={}">Every lead, and why</a>',
            url,
            campaign.pk,
        )

    @display(description="Opened")
    def opened(self, campaign: Campaign) -> int:
        """Mails that were opened, as of the last count."""
        return int(campaign.figures.get("events", {}).get("open", 0))

    @display(description="Clicked")
    def clicked(self, campaign: Campaign) -> int:
        """Mails with a clicked link, as of the last count."""
        return int(campaign.figures.get("events", {}).get("click", 0))

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


def _counts(campaign: Campaign) -> dict[str, int]:
    return {
        state: getattr(campaign, f"n_{state}", 0)
        for state in EmailState.values
        if state != EmailState.SKIPPED
    }


@admin.register(DailyFigures)
class DailyFiguresAdmin(ReadOnlyAdmin):
    """What each campaign did on each day."""

    list_display = (
        "day", "campaign", "sent", "failed", "in_doubt", "opened", "clicked",
        "unsubscribed",
    )  # fmt: skip
    list_filter = ("campaign",)
    list_select_related = ("campaign",)
    date_hierarchy = "day"
