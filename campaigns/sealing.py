"""Secrets at rest: passwords of mail accounts, encrypted with rotating keys."""

from __future__ import annotations

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings

from fliptech_site.errors import PermanentError
from fliptech_site.sealing import fernet_of


def seal(secret: str) -> str:
    """Encrypt a secret with the newest key; an empty one stays empty."""
    if not secret:
        return ""
    return _fernet().encrypt(secret.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """Decrypt what `seal` gave. Raises PermanentError when no key fits."""
    if not sealed:
        return ""
    try:
        return _fernet().decrypt(sealed.encode("ascii")).decode()
    except InvalidToken:
        raise PermanentError(
            "The stored password can't be read with the present FIELD_KEYS (or"
            " SECRET_KEY, when there are none): add the earlier key at the end of"
            " FIELD_KEYS, or type the password again."
        ) from None


def _fernet() -> MultiFernet:
    words = tuple(settings.FIELD_KEYS) or (settings.SECRET_KEY,)
    return fernet_of(words, "fliptech campaigns account")
