"""Access tokens of accounts (RFC 6749): fetched when needed, sealed, shared by all workers.

One worker asks for all, since some servers let only the latest refresh token count. It
holds a lease meanwhile and no transaction, so a slow server holds up nobody who writes to
the account's row. What the server gave is stored only where the row still has the grant
that was asked with: a consent that came in between is newer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns.models import Account
from campaigns.xoauth2 import TokenSource
from fliptech_site.addresses import is_this_machine, parse_target
from fliptech_site.errors import PermanentError, RateLimited, TransientError
from tasks.leases import Lease, LostLock
from tasks.locks import lock

#: A token this close to its end isn't used any more.
MARGIN = timedelta(seconds=60)
#: Seconds that a request for a token may take.
ASK_SECONDS = 15.0
#: Seconds after which another may ask where the one who asks has died. Longer than a
#: request takes: a slow server never sees two who live.
LEASE_SECONDS = 18.0
#: Seconds that a worker waits for another's answer, then puts its mail off. Longer than a
#: lease, so that a dead one costs the others no attempt.
WAIT_SECONDS = 20.0
#: How long a token holds whose life nobody told.
_USUAL_SECONDS = 300
#: What makes a grant; each is sealed anew, so an equal text means that nobody wrote.
_GRANT = [
    "log_in", "oauth_provider", "oauth_token_url", "oauth_scope",
    "oauth_client_id_sealed", "oauth_client_secret_sealed", "oauth_refresh_token_sealed",
    "oauth_access_token_sealed", "oauth_expires_at",
]  # fmt: skip
#: One token: what a header may hold, RFC 6750.
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


class Preset(NamedTuple):
    """Where a provider gives tokens and asks a mailbox's owner, and for what."""

    token_url: str
    scope: str
    authorize_url: str = ""


PRESETS = {
    Account.OAuthProvider.GOOGLE: Preset(
        "https://oauth2.googleapis.com/token",
        "https://mail.google.com/",
        "https://accounts.google.com/o/oauth2/v2/auth",
    ),
    Account.OAuthProvider.MICROSOFT: Preset(
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://outlook.office.com/SMTP.Send"
        " https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    ),
    Account.OAuthProvider.OTHER: Preset("", ""),
}


class Client(NamedTuple):
    """The application that a provider registered."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Client({self.id!r})"


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

    Not to be called in a transaction (RuntimeError). Raises TokenRefused, and
    TransientError when the token server, or the worker that asks it, has no answer now.
    """
    if held := _held(account, refused):
        return held
    answer: dict[str, Any] = {}
    try:
        with _alone(account) as lease:
            asked = _stored(account)
            if held := _held(asked, refused):
                return held
            answer = ask_for_token(asked, _grant_of(asked))
            return _store(asked, answer, lease)
    except LostLock:
        if not answer:
            raise
    # This process stood still, and another one asks with the same grant since. If that
    # brings nothing, this answer is the last that there is.
    with _alone(account) as lease:
        return _store(asked, answer, lease)


def store_grant(account: Account) -> None:
    """Store the grant that `account` carries in memory, once a token was given for it.

    Raises as `access_token`; then the row stays as it was.
    """
    answer = ask_for_token(account, _grant_of(account))
    with transaction.atomic():
        _locked(account)
        account.save(update_fields=_GRANT)
        keep(account, answer)


@contextmanager
def _alone(account: Account) -> Iterator[Lease]:
    """Be the one that asks for this account's token; the others wait."""
    key = f"oauth2:{account.pk}"
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(
                lock(key, wait_seconds=WAIT_SECONDS, lease_seconds=LEASE_SECONDS)
            )
        except RateLimited as busy:
            raise TransientError(
                f"Another worker asks for an access token of {account} and has no answer"
                " yet: it is tried again.",
                retry_after=busy.retry_after,
            ) from None
        yield lease


def _stored(account: Account) -> Account:
    """Give the account as its row is now. Raises TokenRefused when it was deleted."""
    return _there(account, Account.objects.filter(pk=account.pk).first())


def _locked(account: Account) -> Account:
    """As `_stored`, and lock the row."""
    rows = Account.objects.select_for_update(no_key=True)
    return _there(account, rows.filter(pk=account.pk).first())


def _there(account: Account, row: Account | None) -> Account:
    if row is None:
        raise TokenRefused(
            f"The account {account} was deleted meanwhile: there is no log-in any more."
        )
    return row


def _store(asked: Account, answer: dict[str, Any], lease: Lease) -> str:
    """Store what the server gave, unless the row has another grant by now.

    Returns the token to be used. Raises LostLock where another one asks by now.
    """
    with transaction.atomic():
        lease.guard()
        row = _locked(asked)
        if all(getattr(row, name) == getattr(asked, name) for name in _GRANT):
            keep(row, answer)
            return row.oauth_access_token
    if held := _held(row, ""):
        return held
    raise TransientError(
        f"The account {asked} was connected anew meanwhile: it is tried again."
    )


def keep(account: Account, answer: dict[str, Any]) -> None:
    """Seal what the token server gave, in the account's row, which the caller locks."""
    account.oauth_access_token = answer["access_token"]
    account.oauth_expires_at = timezone.now() + timedelta(seconds=_life(answer))
    renewed = answer.get("refresh_token")
    if isinstance(renewed, str) and renewed:
        account.oauth_refresh_token = renewed
    account.save(
        update_fields=[
            "oauth_access_token_sealed", "oauth_expires_at",
            "oauth_refresh_token_sealed",
        ]
    )  # fmt: skip


def endpoint_of(account: Account) -> Preset:
    """Give where an account's tokens come from, and for what. Raises TokenRefused."""
    preset = PRESETS[Account.OAuthProvider(account.oauth_provider)]
    url = account.oauth_token_url or preset.token_url
    if not url:
        raise TokenRefused(
            f"The account {account} names no token address: type the one of its"
            " OAuth2 provider."
        )
    return Preset(
        url,
        account.oauth_scope or preset.scope,
        account.oauth_authorize_url or preset.authorize_url,
    )


def client_of(account: Account) -> Client:
    """Give the account's own application, or the installation's. Raises TokenRefused."""
    if client_id := account.oauth_client_id:
        return Client(client_id, account.oauth_client_secret)
    client = Client(*settings.OAUTH_CLIENTS.get(account.oauth_provider, ("", "")))
    if not client.id:
        raise TokenRefused(
            f"The account {account} has no OAuth2 client id: type the one of the"
            " application that its provider registered for you."
        )
    return client


def _held(account: Account, refused: str) -> str:
    expires_at = account.oauth_expires_at
    if expires_at is None or expires_at < timezone.now() + MARGIN:
        return ""
    token = account.oauth_access_token
    return "" if token == refused else token


def ask_for_token(account: Account, grant: dict[str, str]) -> dict[str, Any]:
    """Trade a grant for an access token, and give the server's answer with it.

    Raises TokenRefused, and TransientError when the token server can't answer now.
    """
    # Where it is needed: an idle worker holds no HTTP client.
    from fliptech_site.outbound import Limits, post

    url, client = endpoint_of(account).token_url, client_of(account)
    question = {**grant, "client_id": client.id, "client_secret": client.secret}
    target = parse_target(url)
    if target.scheme != "https" and not is_this_machine(target.host):
        raise TokenRefused(
            f"No secret is sent to {target.host_port} in clear: begin the token address"
            " with https://."
        )
    response = post(
        url,
        urlencode({name: each for name, each in question.items() if each}).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
        limits=Limits(bytes=64 * 1024, seconds=ASK_SECONDS),
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
        f" ({reason_of(answer) or f'HTTP {response.status}'}): connect it again on its page in admin,"
        " or correct its OAuth2 fields."
    )


def _grant_of(account: Account) -> dict[str, str]:
    scope = endpoint_of(account).scope
    if refresh := account.oauth_refresh_token:
        return {
            "grant_type": "refresh_token", "refresh_token": refresh, "scope": scope,
        }  # fmt: skip
    if account.oauth_provider != Account.OAuthProvider.OTHER and not scope.endswith(
        "/.default"
    ):
        raise TokenRefused(
            f"The account {account} is not connected yet: on its page in admin choose"
            " OAuth2 as log-in, save, and press Connect."
        )
    # An application that has rights of its own, section 4.4.
    return {"grant_type": "client_credentials", "scope": scope}


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


def reason_of(answer: dict[str, Any]) -> str:
    """Give what a server says is wrong, printable and in one line; blank for nothing."""
    said = [answer.get("error"), answer.get("error_description")]
    text = ": ".join(each for each in said if isinstance(each, str) and each)
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:200].rstrip(".")
