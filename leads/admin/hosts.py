"""What is remembered of web hosts, in admin: robots.txt, paces, pauses, stored pages."""

from __future__ import annotations

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from leads.admin.showing import ReadOnlyAdmin, outside_link
from leads.models import HostPace, HostPause, RobotsFile, StoredPage


@admin.register(RobotsFile)
class RobotsFileAdmin(ReadOnlyAdmin):
    """Each origin's robots.txt as it was last read."""

    list_display = (
        "origin", "standing_badge", "status", "reason", "fetched_at", "expires_at",
    )  # fmt: skip
    list_filter = ("standing",)
    search_fields = ("origin",)
    ordering = ("-fetched_at",)
    show_full_result_count = False
    fields = (
        "origin", "standing_badge", "status", "reason", "fetched_at", "expires_at",
        "rules_shown",
    )  # fmt: skip

    @display(
        description="Standing",
        label={"found": "success", "absent": "info", "unreachable": "danger"},
    )
    def standing_badge(self, file: RobotsFile) -> str:
        """What the answer means."""
        return file.standing

    @display(description="Rules")
    def rules_shown(self, file: RobotsFile) -> SafeString | str:
        """The file as it came."""
        if not file.body:
            return "It says nothing."
        return format_html(
            '<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{}</pre>',
            file.body[:20_000],
        )


@admin.register(HostPace)
class HostPaceAdmin(ReadOnlyAdmin):
    """How fast each host answers, and so how often all workers ask it."""

    list_display = ("host", "delay", "latency", "failures", "updated_at")
    search_fields = ("host",)
    ordering = ("-updated_at",)
    show_full_result_count = False
    fields = ("host", "delay", "latency", "failures", "updated_at")

    @display(description="Seconds between requests", ordering="delay_seconds")
    def delay(self, pace: HostPace) -> str:
        """What its behaviour suggests, beside what its robots.txt asks for."""
        return f"{pace.delay_seconds:.1f}" if pace.delay_seconds else "as usual"

    @display(description="Seconds to answer", ordering="latency_seconds")
    def latency(self, pace: HostPace) -> str:
        """How long it takes, smoothed."""
        return f"{pace.latency_seconds:.2f}"


@admin.register(HostPause)
class HostPauseAdmin(ReadOnlyAdmin):
    """Hosts that are or were left alone because they said so."""

    list_display = ("host", "state_badge", "until", "strikes", "reason", "updated_at")
    search_fields = ("host",)
    ordering = ("-until",)
    show_full_result_count = False
    fields = ("host", "state_badge", "until", "strikes", "reason", "updated_at")

    @display(description="Now", label={"left alone": "warning", "over": "info"})
    def state_badge(self, pause: HostPause) -> str:
        """Whether it is left alone now."""
        return "left alone" if pause.until > timezone.now() else "over"


@admin.register(StoredPage)
class StoredPageAdmin(ReadOnlyAdmin):
    """Answers kept for reuse, those confirmed last first."""

    list_display = ("page", "state_badge", "status", "size_shown", "confirmed_at", "fresh_until")  # fmt: skip
    list_display_links = ("state_badge",)
    search_fields = ("url",)
    ordering = ("-confirmed_at",)
    show_full_result_count = False
    fields = (
        "page", "state_badge", "status", "size_shown", "confirmed_at", "fresh_until",
        "headers", "content_hash",
    )  # fmt: skip

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        """Leave the bodies where they are."""
        return super().get_queryset(request).defer("body")

    @display(description="Page")
    def page(self, stored: StoredPage) -> SafeString | str:
        """The address as a link."""
        return outside_link(stored.url)

    @display(description="Now", label={"fresh": "success", "to be confirmed": "info"})
    def state_badge(self, stored: StoredPage) -> str:
        """Whether it may be used without asking."""
        return "fresh" if stored.fresh_until > timezone.now() else "to be confirmed"

    @display(description="Size", ordering="size")
    def size_shown(self, stored: StoredPage) -> str:
        """The bytes of the body, unpacked."""
        return str(filesizeformat(stored.size))
