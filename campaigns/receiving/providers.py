"""Which of anymail's parsers reads a provider's posts, and with what it checks them.

A provider that signs is checked by its signature; of the others the post carries a user
name and a password, which stand in the address that it is given.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, NamedTuple

from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailWebhookValidationFailure,
)
from django.http import HttpRequest

from campaigns.models import ProviderFeed
from fliptech_site.errors import InvalidInput


class WrongSignature(InvalidInput):
    """Raised for a post that does not prove whose it is."""


class _Provider(NamedTuple):
    #: The class's name without "TrackingWebhookView".
    name: str
    #: What anymail calls the signing key; blank: user name and password.
    key: str = ""
    inbound_key: str = ""


PROVIDERS = {
    "amazon_ses": _Provider("AmazonSES"),
    "brevo": _Provider("Brevo"),
    "mailersend": _Provider("MailerSend", "signing_secret", "inbound_secret"),
    "mailgun": _Provider("Mailgun", "webhook_signing_key", "webhook_signing_key"),
    "mailjet": _Provider("Mailjet"),
    "mailtrap": _Provider("Mailtrap", "signing_secret"),
    "mandrill": _Provider("Mandrill", "webhook_key", "webhook_key"),
    "postal": _Provider("Postal", "webhook_key", "webhook_key"),
    "postmark": _Provider("Postmark"),
    "resend": _Provider("Resend"),
    "sparkpost": _Provider("SparkPost"),
    "unisender_go": _Provider("UnisenderGo", "api_key"),
}


@dataclass(frozen=True, slots=True)
class Post:
    """What a provider posted, after its signature was checked."""

    events: list[Any]


def is_signed(feed: ProviderFeed) -> bool:
    """Say whether the provider signs; else the secret is `user:password`."""
    return bool(_key_of(feed))


def read_post(feed: ProviderFeed, request: HttpRequest, *, url: str) -> Post:
    """Check who posts and read anymail's normalised events.

    `url` is the address as the provider knows it. Raises WrongSignature, and InvalidInput
    for what is signed and can't be read.
    """
    secret = feed.secret
    if not secret:
        raise WrongSignature("The feed has no secret, so nothing can be checked.")
    try:
        view = _view_class(feed)(**_options(feed, secret, url))
        view.run_validators(request)
    except (AnymailWebhookValidationFailure, AnymailConfigurationError) as error:
        raise WrongSignature(str(error)[:300]) from None
    except (ValueError, KeyError, TypeError, UnicodeError) as error:
        # What is not even of the form that could be checked.
        raise WrongSignature(f"It can't be checked: {error}"[:300]) from None
    try:
        return Post(list(view.parse_events(request)))
    except Exception as error:
        raise InvalidInput(
            f"The post of {feed} can't be read ({type(error).__name__}: {error})."[:400]
        ) from error


def _key_of(feed: ProviderFeed) -> str:
    provider = PROVIDERS[feed.provider]
    is_inbound = feed.content == ProviderFeed.Content.INBOUND
    return provider.inbound_key if is_inbound else provider.key


def _options(feed: ProviderFeed, secret: str, url: str) -> dict[str, Any]:
    if not (key := _key_of(feed)):
        return {"webhook_secret": [secret]}
    options: dict[str, Any] = {key: secret, "webhook_secret": []}
    if feed.provider == "mandrill":
        options["webhook_url"] = url  # Part of what is signed.
    return options


def _view_class(feed: ProviderFeed) -> Any:
    module = importlib.import_module(f"anymail.webhooks.{feed.provider}")
    what = feed.content.capitalize()
    name = PROVIDERS[feed.provider].name
    for candidate in (f"{name}{what}WebhookView", f"{name}CombinedWebhookView"):
        if hasattr(module, candidate):
            return getattr(module, candidate)
    raise InvalidInput(f"{feed.get_provider_display()} brings no mail that came in.")
