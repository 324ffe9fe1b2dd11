"""Secrets at rest: passwords of mail accounts, encrypted with rotating keys."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from fliptech_site.errors import PermanentError


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
    return _fernet_of(tuple(settings.FIELD_KEYS) or (settings.SECRET_KEY,))


@lru_cache(maxsize=4)
def _fernet_of(words: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(word)) for word in words])


def _derive(word: str) -> bytes:
    """Any long random text makes a key, so nobody has to know Fernet's own format."""
    kdf = HKDF(
        algorithm=SHA256(), length=32, salt=None, info=b"fliptech campaigns account"
    )
    return base64.urlsafe_b64encode(kdf.derive(word.encode()))
