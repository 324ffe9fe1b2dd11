"""A mailbox's owner consents in the browser: authorization code with PKCE (RFC 7636).

What must come back unchanged stays in the browser's session; what is granted is sealed in
the account's row. Neither is logged.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from campaigns.models import Account
from campaigns.oauth2 import (
    TokenRefused,
    ask_for_token,
    client_of,
    endpoint_of,
    keep,
)
from fliptech_site.addresses import AddressRefused, is_this_machine, parse_target
from fliptech_site.errors import InvalidInput

#: Seconds within which the owner has to come back.
PATIENCE = 600
DELETED = "The account was deleted meanwhile, so nothing was stored: make it anew and connect it."
#: Where the session keeps what was asked.
_KEY = "campaigns.consent"
#: What a provider needs beside RFC 6749, to give a grant that lasts.
_ALSO = {
    Account.OAuthProvider.GOOGLE: {"access_type": "offline", "prompt": "consent"},
    Account.OAuthProvider.MICROSOFT: {"response_mode": "query"},
}


class Asked(NamedTuple):
    """A question that is open in one browser."""

    account: int
    state: str
    verifier: str
    #: Seconds since 1970.
    at: float


def redirect_uri() -> str:
    """Give the address to which providers send the owner back."""
    return settings.PUBLIC_URL + reverse("admin:campaigns_account_connected")


def begin(account: Account, session: MutableMapping[str, Any]) -> str:
    """Give the provider's address that asks the owner; the session remembers it.

    A second beginning in the same browser takes the place of the first. Raises
    TokenRefused and InvalidInput for an account that can't be asked for.
    """
    url, client = _authorize_url(account), client_of(account)
    asked = Asked(
        account.pk, secrets.token_urlsafe(32), secrets.token_urlsafe(48), time.time()
    )
    session[_KEY] = list(asked)
    provider = Account.OAuthProvider(account.oauth_provider)
    question = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": redirect_uri(),
        "scope": endpoint_of(account).scope,
        "state": asked.state,
        "code_challenge": _challenge(asked.verifier),
        "code_challenge_method": "S256",
        "login_hint": account.username or account.from_address,
        **_ALSO.get(provider, {}),
    }
    split = urlsplit(url)
    given = dict(parse_qsl(split.query))
    named = {name: value for name, value in question.items() if value}
    return urlunsplit(split._replace(query=urlencode({**given, **named}), fragment=""))


def take_back(session: MutableMapping[str, Any], state: str) -> Asked:
    """Give the open question that an answer's `state` belongs to, and close it.

    Raises InvalidInput for an answer to no question of this browser, or too late.
    """
    kept = session.pop(_KEY, None)
    asked = Asked(*kept) if kept else None
    if asked is None or not secrets.compare_digest(
        asked.state.encode(), state.encode()
    ):
        raise InvalidInput(
            "This answer belongs to no question of this browser: press Connect on the"
            " account's page and grant it again."
        )
    if time.time() - asked.at > PATIENCE:
        raise InvalidInput(
            f"The answer came after more than {PATIENCE // 60} minutes: press Connect and"
            " grant it again."
        )
    return asked


def finish(asked: Asked, code: str) -> Account:
    """Trade the code for a grant that lasts, and seal it in the account's row.

    Raises TokenRefused, TransientError when the token server can't answer now, and
    InvalidInput when the account was deleted meanwhile.
    """
    account = _there(Account.objects.filter(pk=asked.account).first())
    answer = ask_for_token(
        account,
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri(),
            "code_verifier": asked.verifier,
        },
    )
    if not answer.get("refresh_token"):
        raise TokenRefused(
            f"{account.get_oauth_provider_display()} gave {account} no grant that"
            " lasts (no refresh token): take the application's access away in the"
            " mailbox's security settings, then connect again."
        )
    with transaction.atomic():
        rows = Account.objects.select_for_update(no_key=True)
        account = _there(rows.filter(pk=asked.account).first())
        keep(account, answer)
    return account


def _there(account: Account | None) -> Account:
    if account is None:
        raise InvalidInput(DELETED)
    return account


def _authorize_url(account: Account) -> str:
    url = endpoint_of(account).authorize_url
    if not url:
        raise TokenRefused(
            f"The account {account} names no consent address: type the one of its"
            " OAuth2 provider."
        )
    try:
        target = parse_target(url)
    except AddressRefused as error:
        raise InvalidInput(str(error)) from None
    if target.scheme != "https" and not is_this_machine(target.host):
        raise InvalidInput("Begin the consent address with https://.")
    return url


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
