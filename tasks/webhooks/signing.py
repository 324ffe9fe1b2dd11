"""Signatures after the Standard Webhooks specification, version 1.0.0. Pure.

The signature covers the event's id, the time of the try and the body's bytes, so that
none of them can be changed or sent again much later. While a secret is changed, two
signatures stand side by side, and the receiver accepts whichever it knows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

#: Before every secret, so that people and scanners recognise one.
PREFIX = "whsec_"
#: The specification wants 24 to 64.
SECRET_BYTES = 32


def new_secret() -> str:
    """Make a secret that nobody can guess."""
    return secret_of(secrets.token_bytes(SECRET_BYTES))


def secret_of(key: bytes) -> str:
    """Write a key as receivers get it."""
    return PREFIX + base64.b64encode(key).decode("ascii")


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature; `timestamp` is in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    content = b".".join([event_id.encode(), str(timestamp).encode(), body])
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def headers(
    secrets_valid: Sequence[str], event_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the three headers; of several valid secrets each signs."""
    signatures = [sign(secret, event_id, timestamp, body) for secret in secrets_valid]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
