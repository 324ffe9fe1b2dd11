"""`manage.py account list|check|domain|token|dkim`: accounts without a browser.

Secrets are read from standard input, never from arguments, which other users see.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from campaigns.dkim_signing import generate_key, public_record, record_name
from campaigns.domain_checks import check_domain
from campaigns.models import Account
from campaigns.oauth2 import client_of, store_grant
from campaigns.trying_accounts import try_account
from fliptech_site.errors import FlipTechError

_STEPS = {
    "check": "connect and log in; sends nothing",
    "domain": "ask the name server about SPF, DKIM and DMARC",
    "token": "store the OAuth2 grant, read from standard input, and fetch a token",
    "dkim": "make a DKIM key and show the record to publish",
}


class Command(BaseCommand):
    help = "Test accounts, check their domains, store their grants."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("list", help="all accounts and where they send")
        made = {step: steps.add_parser(step, help=_STEPS[step]) for step in _STEPS}
        for sub in made.values():
            sub.add_argument("account", help="its name or number")
        made["token"].add_argument(
            "--provider",
            choices=Account.OAuthProvider.values,
            help="as it is, if blank",
        )
        made["token"].add_argument("--token-url", help="where tokens are given")
        made["token"].add_argument("--scope", help="what the grant is for")
        made["dkim"].add_argument("--selector", required=True, help="such as mail2026")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        try:
            if step == "list":
                self._list()
                return
            getattr(self, f"_{step}")(_find(options["account"]), options)
        except FlipTechError as error:
            raise CommandError(str(error)) from None

    def _list(self) -> None:
        for account in Account.objects.all():
            state = "on" if account.is_enabled else "off"
            self.stdout.write(
                f"{account.pk}\t{account}\t{account.from_address}\t{account.way}\t{state}"
            )

    def _check(self, account: Account, options: dict[str, Any]) -> None:
        verdict = try_account(account)
        if not verdict.is_fine:
            raise CommandError(verdict.sentence)
        self.stdout.write(verdict.sentence)

    def _domain(self, account: Account, options: dict[str, Any]) -> None:
        findings = check_domain(account.pk)
        for name, found in findings.items():
            self.stdout.write(f"{name.upper()}\t{found.state}\t{found.sentence}")
        if any(found.state == "bad" for found in findings.values()):
            raise CommandError(f"The domain {account.domain} is not in order.")

    def _token(self, account: Account, options: dict[str, Any]) -> None:
        account.log_in = Account.LogIn.OAUTH2
        account.oauth_provider = options["provider"] or account.oauth_provider
        account.oauth_token_url = options["token_url"] or account.oauth_token_url
        account.oauth_scope = options["scope"] or account.oauth_scope
        account.oauth_client_id = _read("Client id: ")
        account.oauth_client_secret = _read("Client secret: ")
        account.oauth_refresh_token = _read("Refresh token: ")
        if not account.oauth_client_id:
            client_of(account)  # The installation's own, or a sentence about it.
        account.oauth_access_token = ""
        account.oauth_expires_at = None
        store_grant(account)
        self.stdout.write(f"{account} has its grant, and a token was given for it.")

    def _dkim(self, account: Account, options: dict[str, Any]) -> None:
        if account.dkim_key_sealed:
            raise CommandError(
                f"{account} signs already: take its key away in admin first, since mails"
                " that are on their way need it."
            )
        account.dkim_selector = options["selector"]
        try:
            account.clean_fields()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        account.dkim_key = generate_key()
        account.save()
        self.stdout.write("Publish this TXT record, then check the domain:")
        self.stdout.write(f"{record_name(account)}\t{public_record(account.dkim_key)}")


def _read(prompt: str) -> str:
    if sys.stdin.isatty():
        return getpass(prompt).strip()
    return sys.stdin.readline().strip()


def _find(named: str) -> Account:
    accounts = Account.objects.filter(name=named)
    if not accounts and named.isdecimal():
        accounts = Account.objects.filter(pk=int(named))
    found = accounts.first()
    if found is None:
        raise CommandError(f"There is no account {named!r}: see `account list`.")
    return found
