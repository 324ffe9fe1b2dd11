"""Which of anymail's parsers reads a provider's posts, and with what it checks them.

A provider that signs is checked by its signature; of the others the post carries a user
name and a password, which stand in the address that it is given.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

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
    "mailtrap": _Provider("Mailtrap", "tracking_secret", "inbound_secret"),
    "mandrill": _Provider("Mandrill", "webhook_key", "webhook_key"),
    "postal": _Provider("Postal", "webhook_key", "webhook_key"),
    "postmark": _Provider("Postmark"),
    "resend": _Provider("Resend"),
    "sparkpost": _Provider("SparkPost"),
    "unisender_go": _Provider("UnisenderGo", "api_key"),
}


#: Providers that post an id and give the mail itself to whoever asks with the API's key.
_ASKED_FOR_MAIL = {"brevo": "api_key", "mailtrap": "api_token", "resend": "api_key"}


def read_events(feed: ProviderFeed, request: HttpRequest, *, url: str) -> list[Any]:
    """Check who posts and read anymail's normalised events.

    `url` is the address as the provider knows it. Raises WrongSignature, and InvalidInput
    for what is signed and can't be read.
    """
    secret = feed.secret
    if not secret:
        raise WrongSignature("The feed has no secret, so nothing can be checked.")
    try:
        view = _view_class(feed)(**_options(feed, secret, url))
        if view.warn_if_no_basic_auth and not view.basic_auth:
            raise WrongSignature(
                "Nothing would be checked: the feed's key is not used."
            )
        view.run_validators(request)
    except WrongSignature:
        raise
    except Exception as error:
        # Not even of a form that could be checked, or a key of the wrong form.
        said = f"{type(error).__name__}: {error}"
        raise WrongSignature(f"It can't be checked ({said})."[:300]) from error
    try:
        return list(view.parse_events(request))
    except Exception as error:
        raise InvalidInput(
            f"The post of {feed} can't be read ({type(error).__name__}: {error})."[:400]
        ) from error


def _key_of(feed: ProviderFeed) -> str:
    provider = PROVIDERS[feed.provider]
    is_inbound = feed.content == ProviderFeed.Content.INBOUND
    return provider.inbound_key if is_inbound else provider.key


def _options(feed: ProviderFeed, secret: str, url: str) -> dict[str, Any]:
    options: dict[str, Any] = {"webhook_secret": [secret]}
    if key := _key_of(feed):
        options = {"webhook_secret": [], key: secret}
    is_inbound = feed.content == ProviderFeed.Content.INBOUND
    if is_inbound and (name := _ASKED_FOR_MAIL.get(feed.provider)):
        options[name] = feed.account.api_key
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
