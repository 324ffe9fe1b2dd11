"""Recipients, e-mails and what came back from them in admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import action, display

from campaigns.admin.long_lists import LongListAdmin
from campaigns.admin.settling import EvidenceInline, SettlingButtons
from campaigns.admin.showing import (
    EMAIL_COLOURS,
    admin_link,
    boxed_html,
    mail_frame,
    text_block,
)
from campaigns.audience import usable_address
from campaigns.explaining import explain, newest_mail, why
from campaigns.models import Email, Recipient, TrackingEvent
from campaigns.recalling import recall, recall_html
from campaigns.retrying import try_again
from fliptech_site.errors import FlipTechError, InvalidInput
from leads.admin.showing import lead_link
from leads.models import Lead

#: What an index can find: a part of an address would mean reading millions of rows.
_SEARCH = "A whole address, or a part of the lead's name"


def _search(rows: QuerySet[Any], term: str, *other: str) -> tuple[QuerySet[Any], bool]:
    """Keep the rows with this address, one of the other fields, or such a lead."""
    if "@" not in term:
        leads = Lead.objects.filter(name__icontains=term).order_by().values("pk")
        return rows.filter(lead__in=leads[:_MOST_LEADS]), False
    found = Q(address=usable_address(term) or term)
    for name in other:
        found |= Q(**{name: term})
    return rows.filter(found), False


#: Leads of one search by name.
_MOST_LEADS = 200


@admin.register(Recipient)
class RecipientAdmin(LongListAdmin):
    """Every lead that a campaign considered, and why it got a mail or didn't."""

    list_display = ("address", "lead_shown", "campaign", "state_badge", "why_shown")
    list_display_links = ("address",)
    list_filter = ("campaign", "state", "reason")
    search_fields = ("address",)
    search_help_text = _SEARCH
    list_select_related = ("campaign", "lead")
    fields = (
        "lead_shown", "address", "campaign", "state_badge", "why_shown", "mail",
        "created_at", "updated_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recipient]:
        """Bring the mails along."""
        return super().get_queryset(request).prefetch_related("emails")  # type: ignore[no-any-return]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Recipient], search_term: str
    ) -> tuple[QuerySet[Recipient], bool]:
        """Search by address or by the lead's name."""
        if not search_term.strip():
            return queryset, False
        return _search(queryset, search_term.strip())

    @display(description="Lead")
    def lead_shown(self, recipient: Recipient) -> SafeString | str:
        """The lead as a link."""
        return lead_link(recipient.lead)

    @display(description="State", label=EMAIL_COLOURS)
    def state_badge(self, recipient: Recipient) -> str:
        """The state of its mail, or that it is skipped."""
        email = newest_mail(recipient)
        return email.get_state_display() if email else recipient.get_state_display()

    @display(description="Why")
    def why_shown(self, recipient: Recipient) -> str:
        """What became of it, in one sentence."""
        return why(recipient)

    @display(description="E-mail")
    def mail(self, recipient: Recipient) -> SafeString | str:
        """Its e-mail as a link."""
        email = newest_mail(recipient)
        if email is None:
            return "–"
        return admin_link("campaigns_email_change", email.pk, email.subject or email)


class TrackingEventInline(TabularInline):
    """What came back from a mail."""

    model = TrackingEvent
    fields = (
        "kind", "is_human", "reason", "hits", "url", "user_agent", "created_at", "last_at",
    )  # fmt: skip
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: events are history."""
        return False


@admin.register(Email)
class EmailAdmin(SettlingButtons, LongListAdmin):
    """One message to one recipient, and everything that happened to it."""

    list_display = (
        "address", "subject_shown", "campaign", "state_badge", "attempts", "why_shown",
        "sent_at",
    )  # fmt: skip
    list_filter = ("state", "kind", "campaign", "account", "reason")
    search_fields = ("address",)
    search_help_text = f"{_SEARCH}, or a whole Message-ID"
    list_select_related = ("campaign", "account")
    inlines = (EvidenceInline, TrackingEventInline)
    actions = ("send_again",)
    fieldsets = (
        (None, {"fields": ("address", "lead_shown", "state_badge", "why_shown", "detail")}),
        (
            "Mail",
            {"fields": ("kind", "campaign", "step", "account", "template", "subject", "message_id", "said")},
        ),
        (
            "Attempts",
            {"fields": ("attempts", "claimed_at", "data_started_at", "sent_at", "task")},
        ),
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Email], search_term: str
    ) -> tuple[QuerySet[Email], bool]:
        """Search by address, Message-ID or the lead's name."""
        if not search_term.strip():
            return queryset, False
        return _search(queryset, search_term.strip(), "message_id")

    @display(description="Subject")
    def subject_shown(self, email: Email) -> str:
        """The subject, once there is one."""
        return email.subject or "–"

    @display(description="Lead")
    def lead_shown(self, email: Email) -> SafeString | str:
        """The lead as a link."""
        return lead_link(email.lead)

    @display(description="State", label=EMAIL_COLOURS, ordering="state")
    def state_badge(self, email: Email) -> str:
        """The state as a badge."""
        return email.get_state_display()

    @display(description="Why")
    def why_shown(self, email: Email) -> str:
        """What became of it, in one sentence."""
        return explain(email, email.campaign)

    def get_urls(self) -> list[URLPattern]:
        """Add the page inside the frame of what a mail said."""
        html = self.admin_site.admin_view(self._html)
        return [
            path("<int:pk>/html/", html, name="campaigns_email_html"),
            *super().get_urls(),
        ]

    def _html(self, request: HttpRequest, pk: int) -> HttpResponse:
        email = self.get_object(request, str(pk))
        if email is None or not self.has_view_permission(request, email):
            raise Http404
        if email.template is None or email.claimed_at is None:
            raise Http404
        try:
            return boxed_html(recall_html(email))
        except InvalidInput as error:
            return boxed_html(str(format_html("<p>{}</p>", error)))

    @display(description="What it said")
    def said(self, email: Email) -> SafeString | str:
        """The mail, put together again from its template of that time."""
        if email.claimed_at is None:
            return "Nothing yet: its text is made when its turn comes."
        if email.template is None:
            return text_block(email.written.text) if hasattr(email, "written") else "–"
        url = reverse("admin:campaigns_email_html", args=[email.pk])
        note = recall([email])[email.pk].note
        return format_html("{}<p>{}</p>", mail_frame(url, "What the mail said"), note)

    @display(description="Task")
    def task(self, email: Email) -> SafeString | str:
        """The task that is to send it, or sent it."""
        if email.task_id is None:
            return "–"
        return admin_link("tasks_task_change", email.task_id, email.task_id)

    @action(description="Try again (failed)", permissions=["settle"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Email]) -> None:
        """Let mails that failed for certain be sent after all."""
        _each(request, queryset, try_again, "is to be tried again")


def _each(
    request: HttpRequest,
    queryset: QuerySet[Email],
    do: Callable[[int], None],
    done: str,
) -> None:
    for email in queryset:
        try:
            do(email.pk)
        except FlipTechError as error:
            messages.warning(request, str(error))
        else:
            messages.success(request, f"{email.address} {done}.")


@admin.register(TrackingEvent)
class TrackingEventAdmin(LongListAdmin):
    """Openings, clicks and unsubscribings, the newest first; machines' apart."""

    list_display = (
        "kind_badge", "who", "mail", "reason", "hits", "url", "user_agent", "created_at",
    )  # fmt: skip
    list_filter = ("kind", "is_human", "email__campaign")
    search_fields = ("email__address",)
    search_help_text = "A whole address"
    list_select_related = ("email",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TrackingEvent], search_term: str
    ) -> tuple[QuerySet[TrackingEvent], bool]:
        """Search by address."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(email__address=usable_address(term) or term), False

    @display(
        description="What",
        ordering="kind",
        label={
            "opened": "info",
            "clicked": "success",
            "unsubscribed": "danger",
            "followed the hidden link": "warning",
        },
    )
    def kind_badge(self, event: TrackingEvent) -> str:
        """What happened."""
        return event.get_kind_display()

    @display(description="E-mail")
    def mail(self, event: TrackingEvent) -> SafeString:
        """The mail as a link."""
        return admin_link("campaigns_email_change", event.email_id, event.email.address)

    @display(
        description="Who",
        ordering="is_human",
        label={"a person": "success", "a machine": "default"},
    )
    def who(self, event: TrackingEvent) -> str:
        """Whether a person or a machine asked."""
        return "a person" if event.is_human else "a machine"
