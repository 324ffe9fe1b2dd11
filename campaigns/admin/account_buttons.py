"""The buttons on an account's page: they ask servers, and send nothing."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from campaigns.admin.account_consent import ConsentButtons
from campaigns.domain_checks import check_domain
from campaigns.models import Account
from campaigns.trying_accounts import try_account
from fliptech_site.dialogs import ask
from fliptech_site.errors import FlipTechError


class AccountButtons(ConsentButtons):
    """What can be asked about the account that is open."""

    actions_detail = (
        "connect_google", "connect_microsoft", "connect_other", "try_it",
        "check_its_domain",
    )  # fmt: skip

    @action(
        description="Test this account",
        url_path="try",
        icon="network_check",
        permissions=["change"],
        dialog=ask(
            "Test this account?",
            "It connects and logs in, as saved, and says what is wrong. Nothing is sent.",
            "Test",
        ),
    )
    def try_it(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Connect, log in and say in one sentence what is wrong."""
        account = self.get_object(request, object_id)
        if account is not None:
            verdict = try_account(account)
            tell = messages.success if verdict.is_fine else messages.error
            tell(request, verdict.sentence)
        return _reload(object_id)

    @action(
        description="Check the domain",
        url_path="domain",
        icon="dns",
        permissions=["change"],
        dialog=ask(
            "Check the domain?",
            "It asks the name server about SPF, DKIM and DMARC, which takes a few seconds.",
            "Check",
        ),
    )
    def check_its_domain(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Ask the name server, and keep what it said."""
        account = self.get_object(request, object_id)
        if account is not None:
            self._check(request, account)
        return _reload(object_id)

    def _check(self, request: HttpRequest, account: Account) -> None:
        try:
            findings = check_domain(account.pk)
        except FlipTechError as error:
            messages.warning(request, str(error))
            return
        wrong = [found for found in findings.values() if found.state != "good"]
        for found in {each.sentence: each for each in wrong}.values():
            messages.warning(request, found.sentence)
        if not wrong:
            messages.success(
                request, f"All three records of {account.domain} are good."
            )


def _reload(object_id: str) -> HttpResponse:
    path = reverse("admin:campaigns_account_change", args=[object_id])
    return HttpResponse(headers={"HX-Redirect": path})
