"""Demo sites in admin."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.timesince import timeuntil
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from demos.counting import with_viewers
from demos.expiring import allow_again, extend, revoke
from demos.models import DemoSite, DemoView
from tasks.enqueueing import enqueue_many

_COLOURS = {
    "building": "info",
    "published": "success",
    "expired": "warning",
    "revoked": "danger",
}


class DemoViewInline(TabularInline):
    """Who looked at a site, day by day."""

    model = DemoView
    fields = ("day", "visitor", "hits", "views", "user_agent", "last_at")
    readonly_fields = fields
    ordering = ("-day", "-last_at")
    extra = 0
    can_delete = False
    per_page = 20

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: visits are counted, not typed."""
        return False


@admin.register(DemoSite)
class DemoSiteAdmin(ModelAdmin):
    """Every proposal, how it looks, who saw it, and what can be done about it."""

    list_display = (
        "lead_name",
        "state_badge",
        "trade_name",
        "views_and_hits",
        "size",
        "published_at",
        "expires",
        "open_link",
    )
    list_filter = ("state", "trade")
    search_fields = ("lead__name", "lead__city", "token")
    list_select_related = ("lead",)
    list_per_page = 50
    ordering = ("-created_at",)
    date_hierarchy = "published_at"
    actions = ("rebuild", "extend_sites", "revoke_sites", "allow_sites_again")
    inlines = (DemoViewInline,)
    fields = (
        "lead",
        "state_badge",
        "open_link",
        "trade_name",
        "size",
        "build",
        "created_at",
        "build_started_at",
        "published_at",
        "expires_at",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: sites are built by `generate_demo_site`."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[DemoSite]:
        """Add the counts of views to the list's own query."""
        return with_viewers(super().get_queryset(request))

    @display(description="Lead", ordering="lead__name", header=True)
    def lead_name(self, site: DemoSite) -> tuple[str, str]:
        """The business and its place."""
        return site.lead.name, site.lead.place

    @display(description="State", label=_COLOURS, ordering="state")
    def state_badge(self, site: DemoSite) -> str:
        """The state; a published site past its date is called expired at once."""
        if site.state == DemoSite.State.PUBLISHED and not site.is_live:
            return DemoSite.State.EXPIRED.value
        return site.state

    @display(description="Trade", ordering="trade")
    def trade_name(self, site: DemoSite) -> str:
        """The trade that the words of the lead point at."""
        return site.trade.replace("_", " ").capitalize()

    @display(description="Views / hits", ordering="person_views")
    def views_and_hits(self, site: DemoSite) -> str:
        """Views by people, and all fetches with those of programs."""
        return f"{getattr(site, 'person_views', 0)} / {getattr(site, 'all_hits', 0)}"

    @display(description="Size", ordering="size_bytes")
    def size(self, site: DemoSite) -> str:
        """The size of the page."""
        return f"{site.size_bytes / 1024:.0f} KB" if site.size_bytes else "-"

    @display(description="Expires in", ordering="expires_at")
    def expires(self, site: DemoSite) -> str:
        """How long a live site stays."""
        if site.expires_at is None or not site.is_live:
            return "-"
        return timeuntil(site.expires_at)

    @display(description="Page")
    def open_link(self, site: DemoSite) -> str:
        """A link to the live page; visits of people who are logged in don't count."""
        if not site.is_live:
            return "-"
        return format_html(
            '<a href="{}" target="_blank" rel="noopener noreferrer"'
            ' class="text-primary-600 font-medium underline">Open</a>',
            f"/d/{site.token}/",
        )

    @action(description="Rebuild", permissions=["change"])
    def rebuild(self, request: HttpRequest, sites: QuerySet[DemoSite]) -> None:
        """Enqueue a build for each chosen site that isn't revoked."""
        lead_ids = list(
            sites.exclude(state=DemoSite.State.REVOKED).values_list(
                "lead_id", flat=True
            )
        )
        enqueue_many("generate_demo_site", [{"lead_id": pk} for pk in lead_ids])
        skipped = sites.filter(state=DemoSite.State.REVOKED).count()
        told = f"{_count(len(lead_ids), 'build')} enqueued."
        if skipped:
            was = "was" if skipped == 1 else "were"
            told += f" {_count(skipped, 'revoked site')} {was} left alone."
        self.message_user(
            request, told, messages.WARNING if skipped else messages.SUCCESS
        )

    @action(description="Keep longer", permissions=["change"])
    def extend_sites(self, request: HttpRequest, sites: QuerySet[DemoSite]) -> None:
        """Move the date of live sites back by DEMO_DAYS."""
        done = extend(sites.values_list("pk", flat=True))
        self.message_user(request, f"{_count(done, 'live site')} kept longer.")

    @action(description="Revoke (take down)", permissions=["change"])
    def revoke_sites(self, request: HttpRequest, sites: QuerySet[DemoSite]) -> None:
        """Take the chosen sites down at once."""
        done = revoke(list(sites.values_list("pk", flat=True)))
        self.message_user(request, f"{_count(done, 'site')} taken down.")

    @action(description="Allow again and rebuild", permissions=["change"])
    def allow_sites_again(
        self, request: HttpRequest, sites: QuerySet[DemoSite]
    ) -> None:
        """Let revoked sites be built again, and build them."""
        lead_ids = allow_again(list(sites.values_list("pk", flat=True)))
        enqueue_many("generate_demo_site", [{"lead_id": pk} for pk in lead_ids])
        self.message_user(request, f"{_count(len(lead_ids), 'build')} enqueued.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
