"""Where the secrets of webhooks come from: rows, encrypted; or derived for an address.

A standing webhook has a secret of its own, made at random and shown once. An address that
a task names has none to be shown, so its secret is derived from FIELD_KEYS for its
scheme, host and port; `manage.py webhook secret` tells it to whoever can read those.
"""

from __future__ import annotations

from datetime import datetime

from cryptography.fernet import InvalidToken
from django.conf import settings

from fliptech_site.addresses import parse_target
from fliptech_site.errors import InvalidInput
from fliptech_site.sealing import derive, fernet_of
from tasks.models import WebhookDelivery
from tasks.webhooks.signing import SECRET_BYTES, secret_of

_PURPOSE = "fliptech tasks webhook"


def seal_secret(secret: str) -> str:
    """Encrypt a secret for its row."""
    return fernet_of(_words(), _PURPOSE).encrypt(secret.encode()).decode("ascii")


def unseal_secret(sealed: str) -> str:
    """Decrypt a row's secret; raises InvalidInput when no key fits."""
    try:
        return fernet_of(_words(), _PURPOSE).decrypt(sealed.encode("ascii")).decode()
    except InvalidToken:
        raise InvalidInput(
            "The secret of this webhook can't be read with the present FIELD_KEYS (or"
            " SECRET_KEY, when there are none): add the earlier key at the end of"
            " FIELD_KEYS, or make a new secret."
        ) from None


def derived_secrets(url: str) -> list[str]:
    """Return the secrets for an address that tasks name, one for each of FIELD_KEYS."""
    purpose = f"{_PURPOSE} {parse_target(url).origin}"
    return [secret_of(derive(word, purpose, SECRET_BYTES)) for word in _words()]


def secrets_of(delivery: WebhookDelivery, now: datetime) -> list[str]:
    """Return the secrets that are valid for a delivery now, the newest first."""
    webhook = delivery.webhook
    if webhook is None:
        return derived_secrets(delivery.url)
    found = [unseal_secret(webhook.secret)]
    if webhook.previous_until is not None and now < webhook.previous_until:
        found.append(unseal_secret(webhook.previous_secret))
    return found


def _words() -> tuple[str, ...]:
    return tuple(settings.FIELD_KEYS) or (settings.SECRET_KEY,)
