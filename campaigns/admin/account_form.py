"""The form of an account: secrets go in and never come out."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.dkim_signing import generate_key, read_key
from campaigns.launching import check_account
from campaigns.models import Account
from fliptech_site.addresses import AddressRefused, is_this_machine, parse_target
from fliptech_site.errors import InvalidInput

_DAYS = [
    ("1", "Mon"), ("2", "Tue"), ("3", "Wed"), ("4", "Thu"), ("5", "Fri"), ("6", "Sat"),
    ("7", "Sun"),
]  # fmt: skip
#: Field of the form -> the account's secret that it sets.
SECRETS = {
    "new_password": "password",
    "new_api_key": "api_key",
    "new_api_secret": "api_secret",
    "new_client_id": "oauth_client_id",
    "new_client_secret": "oauth_client_secret",
    "new_refresh_token": "oauth_refresh_token",
}
_KEPT = "Kept encrypted and never shown again; blank keeps the present one."
_OWN = "Blank takes the provider's own;"
_MONO = {"style": "font-family:ui-monospace,monospace", "rows": 5}
#: Columns that workers renew by themselves; see `AccountForm.written`.
_TOKENS = {
    "oauth_refresh_token_sealed", "oauth_access_token_sealed", "oauth_expires_at",
}  # fmt: skip
#: Providers that have no address of their own.
_NEED_ADDRESS = {Account.Kind.POSTAL, Account.Kind.UNISENDER_GO}
_NEED_SECRET = {
    Account.Kind.AMAZON_SES: "the secret access key",
    Account.Kind.MAILJET: "the secret key",
    Account.Kind.SCALEWAY: "the id of the project",
}


class DkimKeys:
    """What may be done about the key that signs."""

    KEEP, MAKE, PASTE, DROP = "keep", "make", "paste", "drop"
    CHOICES = [
        (KEEP, "leave it as it is"),
        (MAKE, "make a new key"),
        (PASTE, "use the key pasted below"),
        (DROP, "sign no more"),
    ]


def secret_field(label: str, help_text: str = _KEPT) -> forms.CharField:
    """Give a field that takes a secret and shows none."""
    return forms.CharField(
        required=False,
        strip=True,
        label=label,
        help_text=help_text,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account, with fields that set its secrets."""

    new_password = secret_field("Password")
    new_api_key = secret_field("API key", f"Of Amazon: the access key id. {_KEPT}")
    new_api_secret = secret_field(
        "Second key",
        "Of Amazon: the secret access key; of Mailjet: the secret key; of Scaleway: the"
        f" id of the project. {_KEPT}",
    )
    new_client_id = secret_field(
        "Client id", f"Of your own application, if this installation has none. {_KEPT}"
    )
    new_client_secret = secret_field("Client secret")
    new_refresh_token = secret_field(
        "Refresh token", f"Comes by itself when the account is connected. {_KEPT}"
    )
    # Not named `window` as in the row: the page's script has the fields' names as its
    # own, and would not find the browser's window any more.
    sent_together = forms.IntegerField(
        min_value=1,
        max_value=500,
        label="Mails sent together",
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=Account._meta.get_field("window").help_text,
    )
    work_days = forms.MultipleChoiceField(
        choices=_DAYS, widget=UnfoldAdminCheckboxSelectMultipleWidget, label="Days"
    )
    time_zone = forms.ChoiceField(
        required=False,
        choices=lambda: [("", "as this installation"), *_zones()],
        widget=UnfoldAdminSelect2Widget,
    )
    dkim_change = forms.ChoiceField(
        required=False,
        choices=DkimKeys.CHOICES,
        label="Key that signs",
        widget=UnfoldAdminSelectWidget,
        help_text="Providers sign by themselves; this is for mail servers that don't.",
    )
    dkim_pasted = forms.CharField(
        required=False,
        label="Private key",
        widget=UnfoldAdminTextareaWidget(attrs=_MONO),
        help_text=f"RSA, as PEM. {_KEPT}",
    )

    class Meta:
        model = Account
        fields = (
            "name", "is_enabled", "kind", "from_name", "from_address", "reply_to",
            "tags_replies", "postal_address", "signature_html", "signature_text", "smtp_host",
            "smtp_port", "security", "username", "log_in", "mails_per_connection",
            "oauth_provider", "oauth_authorize_url", "oauth_token_url",
            "oauth_scope", "api_url", "api_region", "per_minute", "daily_cap", "min_gap_seconds", "ramp_up_from",
            "ramp_up_start", "ramp_up_step", "ramp_up_ceiling", "time_zone", "work_days",
            "work_from", "work_until", "dkim_selector",
        )  # fmt: skip
        labels = {
            "is_enabled": "Switched on",
            "smtp_host": "SMTP server",
            "smtp_port": "Port",
            "username": "User name",
            "ramp_up_from": "Ramp-up since",
            "ramp_up_start": "On its first day",
            "ramp_up_step": "More each day",
            "ramp_up_ceiling": "Up to",
        }
        help_texts = {
            "ramp_up_from": "The first day of the ramp-up; blank for none.",
            "ramp_up_start": "Mails.",
            "ramp_up_step": "Mails.",
            "ramp_up_ceiling": "Mails a day, which the daily cap may lower.",
            "oauth_authorize_url": f"{_OWN} the mailbox's owner is asked there.",
            "oauth_token_url": f"{_OWN} tokens are given there.",
            "oauth_scope": f"{_OWN} what the grant is for.",
            "api_url": f"{_OWN} Mailgun has https://api.eu.mailgun.net/v3 for Europe.",
        }
        widgets = {
            "oauth_scope": UnfoldAdminTextInputWidget,
            "signature_html": UnfoldAdminTextareaWidget(attrs=_MONO),
            "signature_text": UnfoldAdminTextareaWidget(attrs=_MONO),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["sent_together"] = self.instance.window
        self.initial["work_days"] = list(self.instance.work_days)
        for field, secret in SECRETS.items():
            if field in self.fields and getattr(self.instance, f"{secret}_sealed"):
                self.fields[field].widget.attrs["placeholder"] = "stored"

    def clean_work_days(self) -> str:
        """Give the days as the row keeps them."""
        return "".join(sorted(self.cleaned_data["work_days"]))

    def clean_api_url(self) -> str:
        """Refuse an address to which the key would travel in clear."""
        return _private_address(self.cleaned_data["api_url"])

    def clean_oauth_authorize_url(self) -> str:
        """Refuse an address at which a password would be typed in clear."""
        return _private_address(self.cleaned_data["oauth_authorize_url"])

    def clean_oauth_token_url(self) -> str:
        """Refuse an address to which the secrets would travel in clear."""
        return _private_address(self.cleaned_data["oauth_token_url"])

    def clean_dkim_pasted(self) -> str:
        """Give the key in the form that is kept, or say why it is none."""
        pasted: str = self.cleaned_data["dkim_pasted"]
        if not pasted or self.cleaned_data.get("dkim_change") != DkimKeys.PASTE:
            return ""
        try:
            return read_key(pasted)
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        """Refuse an account through which nothing could be sent."""
        cleaned: dict[str, Any] = super().clean() or {}
        self._check_keys(cleaned)
        if not self.errors and cleaned.get("is_enabled"):
            names = {field.name for field in Account._meta.fields}
            columns = {name: each for name, each in cleaned.items() if name in names}
            try:
                check_account(Account(**columns))
            except InvalidInput as error:
                by_smtp = cleaned["kind"] == Account.Kind.SMTP
                self.add_error("smtp_host" if by_smtp else "api_url", str(error))
        return cleaned

    def save(self, commit: bool = True) -> Account:
        """Seal the secrets that were typed."""
        account: Account = self.instance
        account.window = self.cleaned_data["sent_together"]
        for field, secret in SECRETS.items():
            if typed := self.cleaned_data.get(field):
                setattr(account, secret, typed)
        if self.changes_grant:
            account.oauth_access_token, account.oauth_expires_at = "", None
        change = self.cleaned_data.get("dkim_change")
        if change == DkimKeys.MAKE:
            account.dkim_key = generate_key()
        elif change == DkimKeys.PASTE:
            account.dkim_key = self.cleaned_data["dkim_pasted"]
        elif change == DkimKeys.DROP:
            account.dkim_key = ""
        saved: Account = super().save(commit)
        return saved

    @property
    def changes_grant(self) -> bool:
        """Whether the access token that there is was given for something else."""
        return any(name.startswith(("oauth_", "new_")) for name in self.changed_data)

    @property
    def written(self) -> list[str] | None:
        """Name the columns to be written; None for all.

        A worker may have renewed the tokens since this form's row was read.
        """
        if self.instance._state.adding or self.changes_grant:
            return None
        names = [field.name for field in Account._meta.concrete_fields]
        return [name for name in names if name not in _TOKENS | {"id"}]

    def _check_keys(self, cleaned: dict[str, Any]) -> None:
        kind, account = cleaned.get("kind"), self.instance

        def lacks(field: str) -> bool:
            sealed = getattr(account, f"{SECRETS[field]}_sealed")
            return not (cleaned.get(field) or sealed)

        if kind == Account.Kind.SMTP:
            self._check_server(cleaned, lacks("new_client_id"))
        elif kind:
            if lacks("new_api_key"):
                self.add_error("new_api_key", "The provider asks for its key: type it.")
            if kind in _NEED_SECRET and lacks("new_api_secret"):
                self.add_error("new_api_secret", f"Type {_NEED_SECRET[kind]} here.")
            if kind in _NEED_ADDRESS and not cleaned.get("api_url"):
                self.add_error(
                    "api_url", "This provider has no usual address: type it."
                )
        change = cleaned.get("dkim_change")
        will_sign = change in (DkimKeys.MAKE, DkimKeys.PASTE) or (
            account.dkim_key_sealed and change != DkimKeys.DROP
        )
        if change == DkimKeys.PASTE and not self.data.get("dkim_pasted"):
            self.add_error("dkim_pasted", "Paste the key here.")
        if will_sign and not cleaned.get("dkim_selector"):
            self.add_error(
                "dkim_selector",
                "A key needs the name under which it is found: type one.",
            )

    def _check_server(self, cleaned: dict[str, Any], lacks_client: bool) -> None:
        if not cleaned.get("smtp_host") and "smtp_host" not in self.errors:
            self.add_error("smtp_host", "Name the server that takes the mail.")
        if cleaned.get("log_in") != Account.LogIn.OAUTH2:
            return
        if not cleaned.get("username"):
            self.add_error("username", "OAuth2 needs the mailbox's address: type it.")
        if lacks_client and not self._installation_has_client(cleaned):
            self.add_error("new_client_id", "Type the id of your application.")
        if cleaned.get(
            "oauth_provider"
        ) == Account.OAuthProvider.OTHER and not cleaned.get("oauth_token_url"):
            self.add_error("oauth_token_url", "Type the address that gives the tokens.")

    @staticmethod
    def _installation_has_client(cleaned: dict[str, Any]) -> bool:
        provider = cleaned.get("oauth_provider", "")
        return bool(settings.OAUTH_CLIENTS.get(provider, ("", ""))[0])


def _private_address(url: str) -> str:
    if not url:
        return ""
    try:
        target = parse_target(url)
    except AddressRefused as error:
        raise forms.ValidationError(str(error)) from None
    if target.scheme != "https" and not is_this_machine(target.host):
        raise forms.ValidationError("Begin it with https://: keys go there.")
    return url


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones())]
