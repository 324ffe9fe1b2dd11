"""The parts of django-anymail that speak to each provider, with an account's own keys.

They are made per account, never from global settings, and ask through our session.
"""

from __future__ import annotations

import io
import warnings
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any

import urllib3

from campaigns.models import Account
from campaigns.providers.asking import Session

_SES_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose web service takes an account's mails, and with which keys."""

    kind: str
    key: str = field(repr=False)
    secret: str = field(default="", repr=False)
    #: Blank takes the provider's own.
    url: str = ""
    region: str = ""
    #: The domain that mails come from.
    domain: str = ""
    #: Refuse a host that isn't this machine (TEST_MODE).
    loopback_only: bool = True
    #: For one answer, and for all tries together: below the actor's two minutes.
    seconds: float = 30.0
    total_seconds: float = 100.0

    @property
    def name(self) -> str:
        """The provider's name as people write it."""
        return str(Account.Kind(self.kind).label)

    def without_keys(self, text: str) -> str:
        """Give a text in which the keys can't be read."""
        for key in (self.key, self.secret):
            if key:
                text = text.replace(key, "…")
        return text


def backend_of(provider: Provider, session: Session) -> Any:
    """Give the backend that sends one mail through `session`."""
    module = import_module(f"anymail.backends.{provider.kind}")
    # Anymail's author has no account at SendGrid any more; it works all the same.
    warnings.filterwarnings("ignore", "django-anymail has dropped official support")
    options: dict[str, Any] = dict(_KEYS[provider.kind](provider))
    if provider.kind == Account.Kind.AMAZON_SES:
        backend = module.EmailBackend(session_params={}, client_params={})
        backend.client = ses_client(provider)
        _session.set(session)
        return backend
    if provider.url:
        options["api_url"] = provider.url
    backend = module.EmailBackend(**options)
    backend.session = session
    return backend


#: What each backend calls the keys that it needs.
_KEYS: dict[str, Any] = {
    "amazon_ses": lambda p: {},
    "brevo": lambda p: {"api_key": p.key},
    "mailersend": lambda p: {"api_token": p.key},
    "mailgun": lambda p: {"api_key": p.key, "sender_domain": p.domain},
    "mailjet": lambda p: {"api_key": p.key, "secret_key": p.secret},
    "mailtrap": lambda p: {"api_token": p.key},
    "mandrill": lambda p: {"api_key": p.key},
    "postal": lambda p: {"api_key": p.key},
    "postmark": lambda p: {"server_token": p.key},
    "resend": lambda p: {"api_key": p.key},
    "scaleway": lambda p: {
        "secret_key": p.key, "project_id": p.secret, "region": p.region or "fr-par",
    },
    "sendgrid": lambda p: {"api_key": p.key},
    "sparkpost": lambda p: {"api_key": p.key},
    "unisender_go": lambda p: {"api_key": p.key},
}  # fmt: skip

_session: ContextVar[Session] = ContextVar("ses_session")


@lru_cache(maxsize=32)
def ses_client(provider: Provider) -> Any:
    """Give Amazon's client, which signs; the requests themselves go our way.

    It is kept, since making one reads 5 MB of descriptions (0.2 s).
    """
    import boto3
    from botocore.client import Config

    client = boto3.session.Session(
        aws_access_key_id=provider.key or "none",
        aws_secret_access_key=provider.secret or "none",
        region_name=provider.region or _SES_REGION,
    ).client(
        "sesv2",
        endpoint_url=provider.url or None,
        config=Config(retries={"total_max_attempts": 1}),
    )
    client.meta.events.register("before-send.sesv2", _send_signed)
    return client


def ses_account(provider: Provider, session: Session) -> dict[str, Any] | None:
    """Ask Amazon about the account; None when it refused, and the session knows why."""
    from botocore.exceptions import ClientError

    client = ses_client(provider)
    _session.set(session)
    try:
        state: dict[str, Any] = client.get_account()
    except ClientError:
        return None
    return state


def _send_signed(request: Any, **_: Any) -> Any:
    from botocore.awsrequest import AWSResponse

    answer = _session.get().request(
        request.method,
        request.url,
        data=request.body,
        headers={name: _plain(value) for name, value in request.headers.items()},
    )
    raw = urllib3.HTTPResponse(io.BytesIO(answer.content), preload_content=False)
    return AWSResponse(answer.url, answer.status_code, answer.headers, raw)


def _plain(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
