"""Accounts in admin: who writes, through what, how much of it, and whether it is trusted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from campaigns.admin.account_buttons import AccountButtons
from campaigns.admin.account_form import AccountForm
from campaigns.admin.account_showing import (
    connection_card,
    day_card,
    dkim_record,
    domain_card,
    domain_dots,
    domain_summary,
    ramp_chart,
)
from campaigns.admin.lines import LabelledLines
from campaigns.models import Account, CampaignAccount

_BY_SMTP = "kind == 'smtp'"
_BY_PROVIDER = "kind != 'smtp'"
_BY_OAUTH2 = "kind == 'smtp' && log_in == 'oauth2'"
_TAB = ("tab",)


@admin.register(Account)
class AccountAdmin(AccountButtons):
    """From whom mail is sent, and through what."""

    form = AccountForm
    list_display = ("name", "from_address", "way", "limits", "domain_state", "enabled")
    list_filter = ("is_enabled", "kind")
    search_fields = ("name", "from_address", "smtp_host")
    readonly_fields = (
        "day", "domain_at_a_glance", "ramp_up_chart", "domain_state_card", "record",
        "connection",
    )  # fmt: skip
    conditional_fields = {
        "smtp_host": _BY_SMTP, "smtp_port": _BY_SMTP, "security": _BY_SMTP,
        "username": _BY_SMTP, "log_in": _BY_SMTP, "mails_per_connection": _BY_SMTP,
        "new_password": "kind == 'smtp' && log_in == 'password'",
        "oauth_provider": _BY_OAUTH2, "new_client_id": _BY_OAUTH2,
        "new_client_secret": _BY_OAUTH2, "new_refresh_token": _BY_OAUTH2,
        "oauth_token_url": _BY_OAUTH2, "oauth_scope": _BY_OAUTH2,
        "oauth_authorize_url": _BY_OAUTH2, "connection": _BY_OAUTH2,
        "new_api_key": _BY_PROVIDER, "api_url": _BY_PROVIDER,
        "new_api_secret": "['amazon_ses', 'mailjet', 'scaleway'].includes(kind)",
        "api_region": "['amazon_ses', 'scaleway'].includes(kind)",
        "dkim_change": _BY_SMTP, "dkim_pasted": "dkim_change == 'paste'",
    }  # fmt: skip

    def save_model(
        self, request: HttpRequest, obj: Account, form: AccountForm, change: bool
    ) -> None:
        """Write what the form has; not the tokens that workers renew meanwhile."""
        obj.save(update_fields=form.written)

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        """Show the day and the record once there is an account."""
        shown = ("day", "domain_at_a_glance") if obj else ()
        record = ("domain_state_card", "record") if obj else ()
        chart = ("ramp_up_chart",) if obj else ()
        connection = ("connection",) if obj else ()
        return (
            (None, {"fields": (
                *shown, "name", "is_enabled", "kind", "from_name", "from_address",
                "reply_to", "tags_replies", "postal_address",
            )}),
            ("Way out", {"classes": _TAB, "fields": (
                "smtp_host", "smtp_port", "security", "username", "log_in",
                "new_password", "oauth_provider", *connection, "new_client_id",
                "new_client_secret", "new_refresh_token", "oauth_authorize_url",
                "oauth_token_url", "oauth_scope", "new_api_key", "new_api_secret",
                "api_region", "api_url", "mails_per_connection", "sent_together",
            )}),
            ("Pace", {"classes": _TAB, "fields": (
                "per_minute", "daily_cap", "min_gap_seconds", *chart, "ramp_up_from",
                "ramp_up_start", "ramp_up_step", "ramp_up_ceiling",
            )}),
            ("Hours", {"classes": _TAB, "fields": (
                "time_zone", "work_days", "work_from", "work_until",
            )}),
            ("Domain", {"classes": _TAB, "fields": (
                *record, "dkim_selector", "dkim_change", "dkim_pasted",
            )}),
            ("Signature", {"classes": _TAB, "fields": (
                "signature_html", "signature_text",
            )}),
        )  # fmt: skip

    @display(description="Sends through")
    def way(self, account: Account) -> str:
        """The SMTP server as host:port, or the provider."""
        return account.way

    @display(description="Limits")
    def limits(self, account: Account) -> str:
        """How much it sends at most."""
        parts = [f"{account.per_minute} a minute"]
        if account.daily_cap:
            parts.append(f"{account.daily_cap} a day")
        if account.ramp_up_from:
            parts.append("ramp-up")
        return ", ".join(parts)

    @display(description="Domain")
    def domain_state(self, account: Account) -> SafeString:
        """The three records of its domain."""
        return domain_dots(account)

    @display(description="State", label={"on": "success", "off": "danger"})
    def enabled(self, account: Account) -> str:
        """Whether it sends."""
        return "on" if account.is_enabled else "off"

    @display(description="Connection")
    def connection(self, account: Account) -> SafeString:
        """Whether its owner has consented, and what the provider has to know."""
        return connection_card(account)

    @display(description="Today")
    def day(self, account: Account) -> SafeString:
        """What went today."""
        return day_card(account)

    @display(description="Ramp-up")
    def ramp_up_chart(self, account: Account) -> SafeString | str:
        """The ramp-up, day by day."""
        return ramp_chart(account)

    @display(description="Domain")
    def domain_at_a_glance(self, account: Account) -> SafeString:
        """The three records and what is wanting."""
        return domain_summary(account)

    @display(description="State of the domain")
    def domain_state_card(self, account: Account) -> SafeString:
        """What was found, with a sentence each."""
        return domain_card(account)

    @display(description="DKIM record")
    def record(self, account: Account) -> SafeString | str:
        """The record to publish."""
        return dkim_record(account)


class RotationInline(LabelledLines):
    """The accounts that take turns in a campaign."""

    model = CampaignAccount
    extra = 0
    verbose_name_plural = (
        "Accounts that take turns (none: the account above writes to everybody)"
    )
