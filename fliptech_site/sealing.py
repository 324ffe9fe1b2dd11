"""Encryption at rest: keys from words in settings, the newest first.

Any long random text makes a key, so nobody has to know Fernet's own format. Each purpose
has keys of its own, so that what was sealed for one can't be opened for another.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@lru_cache(maxsize=16)
def fernet_of(words: tuple[str, ...], purpose: str) -> MultiFernet:
    """Return what encrypts with the first of `words` and decrypts with each.

    Raises ValueError when there are none.
    """
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(derive(word, purpose))) for word in words]
    )


@lru_cache(maxsize=64)
def derive(word: str, purpose: str, length: int = 32) -> bytes:
    """Return `length` bytes that nobody can guess without `word` (HKDF, RFC 5869)."""
    kdf = HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose.encode())
    return kdf.derive(word.encode())
