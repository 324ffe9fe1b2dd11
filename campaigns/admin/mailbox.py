"""Mailboxes, providers' feeds and what came in, in admin; secrets go in and never out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminPasswordWidget

from campaigns.admin.showing import admin_link, text_block
from campaigns.models import (
    DeliveryEvent,
    IncomingMessage,
    Mailbox,
    MailboxFolder,
    ProviderFeed,
)
from campaigns.receiving.reading import check_mailbox
from fliptech_site.dialogs import ask
from fliptech_site.errors import FlipTechError
from leads.admin.showing import ReadOnlyAdmin
from tasks.enqueueing import enqueue

_KIND_COLOURS = {
    "bounce": "danger",
    "complaint": "danger",
    "automatic answer": "default",
    "reply": "success",
    "other": "default",
    "not read yet": "info",
}


class _SecretForm(forms.ModelForm):  # type: ignore[type-arg]
    """A row with a secret that is kept encrypted; blank keeps the present one."""

    new_secret = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Kept encrypted and never shown again; blank keeps the present one.",
    )
    #: The attribute that seals.
    sealed_attribute = "secret"

    def save(self, commit: bool = True) -> Any:
        """Seal the secret when one was typed."""
        if self.cleaned_data["new_secret"]:
            setattr(
                self.instance, self.sealed_attribute, self.cleaned_data["new_secret"]
            )
        return super().save(commit)


class MailboxForm(_SecretForm):
    """A mailbox, with a field that sets its password."""

    sealed_attribute = "password"

    class Meta:
        model = Mailbox
        fields = (
            "name", "account", "is_enabled", "host", "port", "security", "login",
            "username", "folders", "sent_folder", "keeps_strangers",
            "reads_since",
        )  # fmt: skip
        labels = {
            "is_enabled": "Switched on",
            "host": "IMAP server",
            "login": "Log-in",
            "username": "User name",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_secret" in self.fields:
            self.fields["new_secret"].label = "Password"


class FolderInline(TabularInline):
    """How far each folder has been read."""

    model = MailboxFolder
    fields = ("name", "last_uid", "read_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: reading writes them."""
        return False


@admin.register(Mailbox)
class MailboxAdmin(ModelAdmin):
    """Where answers and bounces arrive."""

    form = MailboxForm
    list_display = ("name", "account", "server", "state", "read_at", "trouble")
    list_filter = ("is_enabled", "account")
    list_select_related = ("account",)
    search_fields = ("name", "host", "username")
    readonly_fields = ("read_at", "trouble")
    inlines = (FolderInline,)
    actions_detail = ("try_log_in", "read_now")
    fieldsets = (
        (None, {"fields": ("name", "account", "is_enabled")}),
        (
            "Server",
            {"fields": ("host", "port", "security", "login", "username", "new_secret")},
        ),
        (
            "Reading",
            {"fields": ("folders", "sent_folder", "keeps_strangers", "reads_since")},
        ),
        ("State", {"fields": ("read_at", "trouble")}),
    )  # fmt: skip

    @display(description="Server")
    def server(self, mailbox: Mailbox) -> str:
        """The IMAP server as host:port."""
        return f"{mailbox.host}:{mailbox.port}"

    @display(
        description="State",
        label={"reads": "success", "trouble": "danger", "off": "default"},
    )
    def state(self, mailbox: Mailbox) -> str:
        """Whether it is read."""
        if not mailbox.is_enabled:
            return "off"
        return "trouble" if mailbox.trouble else "reads"

    @action(
        description="Check",
        url_path="check",
        icon="network_check",
        permissions=["change"],
        dialog=ask("Log in and count?", "Nothing is stored or changed.", "Check"),
    )
    def try_log_in(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Log in and say what is there, or what is wrong."""
        mailbox = Mailbox.objects.select_related("account").get(pk=object_id)
        try:
            found = check_mailbox(mailbox)
        except FlipTechError as error:
            messages.warning(request, str(error))
        else:
            counts = ", ".join(f"{name} {count}" for name, count in found.items())
            messages.success(request, f"It can be read. Messages: {counts}.")
        return _back_to(object_id)

    @action(
        description="Read now",
        url_path="read",
        icon="download",
        permissions=["change"],
        dialog=ask("Read this mailbox now?", "It is read every five minutes.", "Read"),
    )
    def read_now(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Enqueue a reading."""
        enqueue(
            "read_mailbox",
            unique_key=f"mailbox:{object_id}",
            mailbox_id=int(object_id),
        )
        messages.success(request, "It is being read.")
        return _back_to(object_id)


def _back_to(object_id: str) -> HttpResponse:
    path = reverse("admin:campaigns_mailbox_change", args=[object_id])
    return HttpResponse(headers={"HX-Redirect": path})


class FeedForm(_SecretForm):
    """A feed, with a field that sets what proves the provider."""

    class Meta:
        model = ProviderFeed
        fields = ("account", "provider", "content", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_secret" in self.fields:
            self.fields["new_secret"].help_text = (
                "The signing key that the provider shows (MailerSend, Mailgun, Mailtrap,"
                " Mandrill, Postal, Unisender Go: the API key). Of the others"
                " user:password, which then stand in the address that you give them."
                " Kept encrypted and never shown again; blank keeps the present one."
            )


@admin.register(ProviderFeed)
class ProviderFeedAdmin(ModelAdmin):
    """Where providers tell what became of mails."""

    form = FeedForm
    list_display = (
        "account", "provider", "content", "is_enabled", "taken", "taken_at", "refused",
        "refused_at",
    )  # fmt: skip
    list_filter = ("provider", "content", "is_enabled")
    list_select_related = ("account",)
    readonly_fields = ("address", "taken", "taken_at", "refused", "refused_at")
    fields = (
        "account", "provider", "content", "is_enabled", "new_secret", "address",
        "taken", "taken_at", "refused", "refused_at",
    )  # fmt: skip

    @display(description="Address for the provider")
    def address(self, feed: ProviderFeed) -> str:
        """What is typed at the provider, once the row is saved."""
        return f"{settings.PUBLIC_URL}{feed.path}" if feed.pk else "–"


@admin.register(IncomingMessage)
class IncomingMessageAdmin(ReadOnlyAdmin):
    """Everything that came in, and what it was taken for."""

    list_display = (
        "subject_shown", "sender", "kind_badge", "reason", "mail", "received_at",
        "trouble",
    )  # fmt: skip
    list_display_links = ("subject_shown",)
    list_filter = ("kind", "mailbox", "matched_by")
    search_fields = ("subject", "sender", "message_id")
    list_select_related = ("email",)
    list_per_page = 50
    show_full_result_count = False
    fields = (
        "subject_shown", "sender", "kind_badge", "reason", "mail", "matched_by",
        "text_shown", "received_at", "handled_at", "trouble",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[IncomingMessage]:
        """Leave the messages themselves in the database."""
        rows: QuerySet[IncomingMessage] = super().get_queryset(request)
        return rows.defer("raw")

    @display(description="Subject", ordering="subject")
    def subject_shown(self, message: IncomingMessage) -> str:
        """The subject, or that there is none."""
        return str(message)

    @display(description="What", ordering="kind", label=_KIND_COLOURS)
    def kind_badge(self, message: IncomingMessage) -> str:
        """What it was taken for."""
        return message.get_kind_display()

    @display(description="About")
    def mail(self, message: IncomingMessage) -> SafeString | str:
        """Our mail that it is about."""
        if message.email is None:
            return "–"
        email = message.email
        return admin_link("campaigns_email_change", email.pk, email.subject or email)

    @display(description="New text")
    def text_shown(self, message: IncomingMessage) -> SafeString:
        """What is new in it."""
        return text_block(message.text or "–")


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(ReadOnlyAdmin):
    """What servers and providers told of mails, the newest first."""

    list_display = (
        "kind", "address", "status", "reason", "words", "source", "happened_at",
    )  # fmt: skip
    list_filter = ("kind", "source", "account")
    search_fields = ("address", "words")
    show_full_result_count = False
