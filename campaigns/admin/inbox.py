"""The inbox of the local mail sink: what a recipient would read."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from campaigns.admin.showing import boxed_html, mail_frame, text_block
from campaigns.models import SinkMessage


@admin.register(SinkMessage)
class SinkMessageAdmin(ModelAdmin):
    """Test mail, the newest first; nothing here has left this machine."""

    list_display = ("subject_shown", "to", "from_header", "received_at")
    list_display_links = ("subject_shown",)
    list_filter = ("received_at",)
    search_fields = ("subject", "to", "from_header", "message_id")
    date_hierarchy = "received_at"
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("subject", "from_header", "to", "received_at")}),
        ("Mail", {"fields": ("html_part",)}),
        ("Text", {"fields": ("text_part",), "classes": ("tab",)}),
        ("Headers", {"fields": ("headers",), "classes": ("tab",)}),
    )

    def get_queryset(self, request: HttpRequest):  # type: ignore[no-untyped-def]
        """Leave the mails themselves in the database until one is read."""
        return super().get_queryset(request).defer("raw")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: mail arrives over SMTP."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: a mail is as it came."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the page inside the mail's frame."""
        page = path(
            "<int:pk>/html/",
            self.admin_site.admin_view(self.html_page),
            name="campaigns_sinkmessage_html",
        )
        return [page, *super().get_urls()]

    def html_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with the HTML part."""
        message = self.get_object(request, str(pk))
        if message is None or not self.has_view_permission(request, message):
            raise Http404
        return boxed_html(
            _part(message, "html") or "<p>This mail has no HTML part.</p>"
        )

    @display(description="Subject", ordering="subject")
    def subject_shown(self, message: SinkMessage) -> str:
        """The subject, or that there is none."""
        return str(message)

    @display(description="HTML part")
    def html_part(self, message: SinkMessage) -> SafeString:
        """The HTML part in its box."""
        url = reverse("admin:campaigns_sinkmessage_html", args=[message.pk])
        return mail_frame(url, f"Mail: {message}")

    @display(description="Text part")
    def text_part(self, message: SinkMessage) -> SafeString:
        """The text part."""
        return text_block(_part(message, "plain") or "This mail has no text part.")

    @display(description="Headers")
    def headers(self, message: SinkMessage) -> SafeString:
        """The headers as they came over the wire."""
        head = bytes(message.raw).partition(b"\r\n\r\n")[0]
        return text_block(head.decode("utf-8", "replace").replace("\r\n", "\n"))


def _part(message: SinkMessage, kind: str) -> str:
    parsed: EmailMessage = message_from_bytes(bytes(message.raw), policy=default)
    part = parsed.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # An unknown character set, say.
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
