"""Access tokens of accounts (RFC 6749): fetched when needed, sealed, shared by all workers."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db import transaction
from django.utils import timezone

from campaigns.models import Account
from campaigns.xoauth2 import TokenSource
from fliptech_site.addresses import is_this_machine, parse_target
from fliptech_site.errors import PermanentError, TransientError

#: A token this close to its end isn't used any more.
MARGIN = timedelta(seconds=60)
#: How long a token holds whose life nobody told.
_USUAL_SECONDS = 300
#: One token: what a header may hold, RFC 6750.
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


class Preset(NamedTuple):
    """Where a provider gives tokens, and for what."""

    token_url: str
    scope: str


PRESETS = {
    Account.OAuthProvider.GOOGLE: Preset(
        "https://oauth2.googleapis.com/token", "https://mail.google.com/"
    ),
    Account.OAuthProvider.MICROSOFT: Preset(
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://outlook.office.com/SMTP.Send offline_access",
    ),
    Account.OAuthProvider.OTHER: Preset("", ""),
}


class TokenRefused(PermanentError):
    """Raised when an account gets no access token until a person has helped."""


def token_source(account: Account) -> TokenSource:
    """Give the function that a log-in asks for access tokens."""
    last = ""

    def give(renew: bool) -> str:
        nonlocal last
        last = access_token(account, refused=last if renew else "")
        return last

    return give


def access_token(account: Account, *, refused: str = "") -> str:
    """Give an access token that holds for another minute; not the `refused` one.

    Raises TokenRefused, and TransientError when the token server can't answer now.
    """
    if held := _held(account, refused):
        return held
    with transaction.atomic():
        # One worker asks, the others wait for its answer: some servers let only the
        # latest refresh token count.
        locked = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if held := _held(locked, refused):
            return held
        answer = _fetch(locked)
        locked.oauth_access_token = token = answer["access_token"]
        locked.oauth_expires_at = timezone.now() + timedelta(seconds=_life(answer))
        renewed = answer.get("refresh_token")
        if isinstance(renewed, str) and renewed:
            locked.oauth_refresh_token = renewed
        locked.save(
            update_fields=[
                "oauth_access_token_sealed", "oauth_expires_at",
                "oauth_refresh_token_sealed",
            ]
        )  # fmt: skip
    return str(token)


def endpoint_of(account: Account) -> Preset:
    """Give where an account's tokens come from, and for what. Raises TokenRefused."""
    preset = PRESETS[Account.OAuthProvider(account.oauth_provider)]
    url = account.oauth_token_url or preset.token_url
    if not url:
        raise TokenRefused(
            f"The account {account} names no token address: type the one of its"
            " OAuth2 provider."
        )
    return Preset(url, account.oauth_scope or preset.scope)


def _held(account: Account, refused: str) -> str:
    expires_at = account.oauth_expires_at
    if expires_at is None or expires_at < timezone.now() + MARGIN:
        return ""
    token = account.oauth_access_token
    return "" if token == refused else token


def _fetch(account: Account) -> dict[str, Any]:
    # Where it is needed: an idle worker holds no HTTP client.
    from fliptech_site.outbound import Limits, post

    url, scope = endpoint_of(account)
    target = parse_target(url)
    if target.scheme != "https" and not is_this_machine(target.host):
        raise TokenRefused(
            f"No secret is sent to {target.host_port} in clear: begin the token address"
            " with https://."
        )
    response = post(
        url,
        urlencode(_question(account, scope)).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
        limits=Limits(bytes=64 * 1024, seconds=15),
    )
    host = target.host_port
    if response.status == 429 or response.status >= 500:
        raise TransientError(
            f"{host} gives no access tokens now (HTTP {response.status}); it is asked"
            " again."
        )
    answer = _read(response.body)
    token = answer.get("access_token")
    if response.status == 200 and isinstance(token, str) and _TOKEN.fullmatch(token):
        return answer
    raise TokenRefused(
        f"{host} gave the account {account} no access token"
        f" ({_reason(response.status, answer)}): grant it again with `manage.py account"
        " token`, or correct its OAuth2 fields."
    )


def _question(account: Account, scope: str) -> dict[str, str]:
    question = {
        "client_id": account.oauth_client_id,
        "client_secret": account.oauth_client_secret,
        "scope": scope,
    }
    if not question["client_id"]:
        raise TokenRefused(
            f"The account {account} has no OAuth2 client id: type the one of the"
            " application that its provider registered for you."
        )
    if refresh := account.oauth_refresh_token:
        question |= {"grant_type": "refresh_token", "refresh_token": refresh}
    else:  # An application that has rights of its own, section 4.4.
        question |= {"grant_type": "client_credentials"}
    return {name: value for name, value in question.items() if value}


def _read(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _life(answer: dict[str, Any]) -> float:
    try:
        seconds = float(answer.get("expires_in", _USUAL_SECONDS))
    except (TypeError, ValueError):
        return _USUAL_SECONDS
    return min(max(seconds, 0.0), 86_400.0) if seconds == seconds else _USUAL_SECONDS


def _reason(status: int, answer: dict[str, Any]) -> str:
    said = [answer.get("error"), answer.get("error_description")]
    text = ": ".join(each for each in said if isinstance(each, str) and each)
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:200] or f"HTTP {status}"
