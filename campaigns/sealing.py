"""Secrets at rest: passwords and keys of accounts, encrypted with rotating keys."""

from __future__ import annotations

from typing import Any, Self, overload

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
            "A stored password or key can't be read with the present FIELD_KEYS (or"
            " SECRET_KEY, when there are none): add the earlier key at the end of"
            " FIELD_KEYS, or type it again."
        ) from None


class Sealed:
    """An attribute that is kept encrypted in another one, named `column`.

    Reading it gives the secret in clear; raises PermanentError when no key fits.
    """

    def __init__(self, column: str) -> None:
        self._column = column

    @overload
    def __get__(self, holder: None, owner: type) -> Self: ...
    @overload
    def __get__(self, holder: object, owner: type) -> str: ...
    def __get__(self, holder: object | None, owner: type) -> Self | str:
        """Open the secret."""
        return self if holder is None else unseal(getattr(holder, self._column))

    def __set__(self, holder: Any, clear: str) -> None:
        """Seal the secret."""
        setattr(holder, self._column, seal(clear))


def _fernet() -> MultiFernet:
    words = tuple(settings.FIELD_KEYS) or (settings.SECRET_KEY,)
    return fernet_of(words, "fliptech campaigns account")
