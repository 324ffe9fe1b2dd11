"""Connecting an account: its owner consents at the provider and comes back here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from campaigns.consenting import DELETED, begin, finish, take_back
from campaigns.models import Account
from campaigns.oauth2 import reason_of
from campaigns.trying_accounts import try_account
from fliptech_site.dialogs import ask
from fliptech_site.errors import FlipTechError

_Provider = Account.OAuthProvider


def _connect_button(provider: str, label: str) -> Any:
    def connect(
        self: ConsentButtons,
        request: HttpRequest,
        form: BaseDialogForm,
        object_id: str,
    ) -> HttpResponse:
        return self.ask_owner(request, object_id)

    connect.__name__ = f"connect_{provider}"
    connect.__doc__ = f"{label}: send the mailbox's owner to the provider."
    return action(
        description=label,
        url_path=f"connect-{provider}",
        icon="link",
        permissions=[connect.__name__],
        dialog=ask(
            f"{label}?",
            "You log in there as the mailbox and allow this application to send and read"
            " its mail. Then you come back here. What was typed and not saved is lost.",
            "Go there",
        ),
    )(connect)


class ConsentButtons(ModelAdmin):
    """The way to the provider and back."""

    connect_google = _connect_button(_Provider.GOOGLE, "Connect with Google")
    connect_microsoft = _connect_button(_Provider.MICROSOFT, "Connect with Microsoft")
    connect_other = _connect_button(_Provider.OTHER, "Connect by OAuth2")

    def has_connect_google_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Show the button for accounts at Google."""
        return self._may_connect(_Provider.GOOGLE, request, object_id)

    def has_connect_microsoft_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Show the button for accounts at Microsoft."""
        return self._may_connect(_Provider.MICROSOFT, request, object_id)

    def has_connect_other_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Show the button for accounts elsewhere."""
        return self._may_connect(_Provider.OTHER, request, object_id)

    def get_urls(self) -> list[URLPattern]:
        """Add the address to which providers send people back."""
        back = self.admin_site.admin_view(never_cache(self._came_back))
        return [
            path("connected/", back, name="campaigns_account_connected"),
            *super().get_urls(),
        ]

    def ask_owner(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the browser to the provider, or say why that can't be."""
        account = self.get_object(request, object_id)
        try:
            there = begin(account, request.session) if _is_home(request) else ""
        except FlipTechError as error:
            messages.error(request, str(error))
            there = ""
        return HttpResponse(headers={"HX-Redirect": there or _page_of(object_id)})

    def _came_back(self, request: HttpRequest) -> HttpResponse:
        try:
            asked = take_back(request.session, request.GET.get("state", ""))
        except FlipTechError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(_list())
        account = self.get_object(request, str(asked.account))
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        if account is None:
            messages.error(request, DELETED)
        elif code := request.GET.get("code"):
            try:
                account = finish(asked, code)
            except FlipTechError as error:
                messages.error(request, str(error))
            else:
                self._tell(request, account)
        else:
            said = reason_of(request.GET.dict()) or "no reason given"
            messages.error(request, f"{account} is not connected: {said}.")
        is_there = Account.objects.filter(pk=asked.account).exists()
        return HttpResponseRedirect(_page_of(asked.account) if is_there else _list())

    def _tell(self, request: HttpRequest, account: Account) -> None:
        self.log_change(request, account, "Connected by OAuth2.")
        verdict = try_account(account)
        tell = messages.success if verdict.is_fine else messages.warning
        tell(request, f"{account} is connected. {verdict.sentence}")

    def _may_connect(
        self, provider: str, request: HttpRequest, object_id: str | None
    ) -> bool:
        if object_id is None or not self.has_change_permission(request):
            return False
        account = self.get_object(request, str(object_id))
        return (
            account is not None
            and account.kind == Account.Kind.SMTP
            and account.log_in == Account.LogIn.OAUTH2
            and account.oauth_provider == provider
        )


def _is_home(request: HttpRequest) -> bool:
    """Say whether the browser would still be logged in where it comes back to."""
    home = urlsplit(settings.PUBLIC_URL).netloc
    if request.get_host() == home:
        return True
    messages.error(
        request,
        f"The provider sends you back to {settings.PUBLIC_URL}: open admin there, then"
        " connect. (PUBLIC_URL sets it.)",
    )
    return False


def _list() -> str:
    return reverse("admin:campaigns_account_changelist")


def _page_of(account: object) -> str:
    return reverse("admin:campaigns_account_change", args=[account])
