"""Mail accounts in admin; a password goes in and never comes out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from campaigns.launching import check_account
from campaigns.models import Account
from fliptech_site.errors import InvalidInput


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account, with a field that sets its password."""

    new_password = forms.CharField(
        required=False,
        strip=False,
        label="Password",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Kept encrypted and never shown again; blank keeps the present one.",
    )

    class Meta:
        model = Account
        fields = (
            "name", "is_enabled", "per_minute", "from_name", "from_address", "reply_to",
            "tags_replies",
            "postal_address", "smtp_host", "smtp_port", "security", "username",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Refuse an account through which nothing could be sent."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and cleaned.get("is_enabled"):
            tried = Account(**{k: v for k, v in cleaned.items() if k != "new_password"})
            try:
                check_account(tried)
            except InvalidInput as error:
                self.add_error("smtp_host", str(error))
        return cleaned

    def save(self, commit: bool = True) -> Account:
        """Seal the password when one was typed."""
        if self.cleaned_data["new_password"]:
            self.instance.password = self.cleaned_data["new_password"]
        account: Account = super().save(commit)
        return account


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    """From whom mail is sent, and through which server."""

    form = AccountForm
    list_display = (
        "name", "from_address", "server", "security", "per_minute", "enabled",
    )  # fmt: skip
    list_filter = ("is_enabled", "security")
    search_fields = ("name", "from_address", "smtp_host")
    fieldsets = (
        (None, {"fields": ("name", "is_enabled", "per_minute")}),
        ("Sender", {"fields": ("from_name", "from_address", "reply_to", "tags_replies", "postal_address")}),
        (
            "Server",
            {"fields": ("smtp_host", "smtp_port", "security", "username", "new_password")},
        ),
    )  # fmt: skip

    @display(description="Server")
    def server(self, account: Account) -> str:
        """The SMTP server as host:port."""
        return f"{account.smtp_host}:{account.smtp_port}"

    @display(description="State", label={"on": "success", "off": "danger"})
    def enabled(self, account: Account) -> str:
        """Whether it sends."""
        return "on" if account.is_enabled else "off"
