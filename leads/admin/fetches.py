"""Requests to strangers in admin: what was asked, what came, and why."""

from __future__ import annotations

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from leads.admin.showing import OUTCOME_COLOURS, ReadOnlyAdmin, lead_link, outside_link
from leads.models import Fetch


@admin.register(Fetch)
class FetchAdmin(ReadOnlyAdmin):
    """Every request to a stranger, the newest first."""

    list_display = (
        "created_at", "page", "outcome_badge", "purpose", "status", "reason", "size",
        "elapsed",
    )  # fmt: skip
    list_display_links = ("created_at", "outcome_badge")
    list_filter = ("outcome", "purpose", "reuse", "status")
    search_fields = ("host", "url")
    ordering = ("-created_at",)
    show_full_result_count = False
    list_select_related = ("job", "lead")
    fieldsets = (
        (None, {"fields": ("outcome_badge", "reason", "job_shown", "lead_shown")}),
        ("Asked", {"fields": ("purpose", "page", "host", "attempts", "created_at")}),
        (
            "Answered",
            {
                "fields": (
                    "redirects_shown", "final_page", ("status", "size", "elapsed"),
                    ("reuse_shown", "body_shown"), "finished_at",
                )
            },
        ),
    )  # fmt: skip

    @display(description="Page")
    def page(self, fetch: Fetch) -> SafeString | str:
        """The address as a link."""
        return outside_link(fetch.url)

    @display(description="Outcome", label=OUTCOME_COLOURS)
    def outcome_badge(self, fetch: Fetch) -> str:
        """The outcome, or that none is known."""
        return fetch.outcome or "under way"

    @display(description="Size", ordering="bytes")
    def size(self, fetch: Fetch) -> str:
        """The bytes of the body as people read them."""
        return filesizeformat(fetch.bytes) if fetch.bytes else "–"

    @display(description="Time", ordering="elapsed_ms")
    def elapsed(self, fetch: Fetch) -> str:
        """The time until the headers came."""
        return "–" if fetch.elapsed_ms is None else f"{fetch.elapsed_ms} ms"

    @display(description="Led here by")
    def redirects_shown(self, fetch: Fetch) -> SafeString | str:
        """The redirects in their order."""
        if not fetch.redirects:
            return "no redirect"
        # As text and whole: what leads on is often nothing but http.
        steps = ((url,) for url in fetch.redirects)
        return format_html(
            '<ol style="overflow-wrap:anywhere">{}</ol>',
            format_html_join("", "<li>{}</li>", steps),
        )

    @display(description="Page at the end")
    def final_page(self, fetch: Fetch) -> SafeString | str:
        """Where the redirects led."""
        return outside_link(fetch.final_url)

    @display(description="Stored answer")
    def reuse_shown(self, fetch: Fetch) -> str:
        """What of an earlier answer was used."""
        return {
            Fetch.Reuse.FRESH.value: "was fresh: nobody was asked",
            Fetch.Reuse.CONFIRMED.value: "was confirmed by the host (304)",
        }.get(fetch.reuse, "was not used")

    @display(description="Body")
    def body_shown(self, fetch: Fetch) -> str:
        """The beginning of its hash, by which two visits are compared."""
        return f"SHA-256 {fetch.content_hash[:12]}…" if fetch.content_hash else "–"

    @display(description="Lead")
    def lead_shown(self, fetch: Fetch) -> SafeString | str:
        """The lead whose site was visited."""
        return lead_link(fetch.lead)

    @display(description="Scrape job")
    def job_shown(self, fetch: Fetch) -> SafeString | str:
        """The job that asked."""
        if fetch.job is None:
            return "–"
        path = reverse("admin:leads_scrapejob_change", args=[fetch.job.pk])
        return format_html('<a href="{}">{}</a>', path, str(fetch.job))
