"""The addresses inside a mail: signed, so that nobody can make up one.

They never expire: a mail is read, and unsubscribed from, years later.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signing import BadSignature, Signer, dumps, loads
from django.urls import reverse

from fliptech_site.errors import InvalidInput

_PLACE = "TOKEN"
_CLICK_SALT = "campaigns.click"
#: Shorter addresses don't become shorter when they are compressed.
_WORTH_PACKING = 120


class Click(NamedTuple):
    """A link of a mail and where it leads."""

    email_id: int
    url: str


def unsubscribe_url(email_id: int) -> str:
    """Give the address of a mail's unsubscribe page."""
    return _absolute(
        "campaigns:unsubscribe", _signer("unsubscribe").sign(str(email_id))
    )


def pixel_url(email_id: int) -> str:
    """Give the address of a mail's open pixel."""
    return _absolute("campaigns:open", _signer("open").sign(str(email_id)))


def trap_url(email_id: int) -> str:
    """Give the address of a mail's hidden link, which only machines follow."""
    return _absolute("campaigns:trap", _signer("trap").sign(str(email_id)))


def click_url(email_id: int, url: str) -> str:
    """Give the address that leads to `url` and counts the click.

    The target is part of what is signed, so this is no open redirect. What isn't a
    web address is returned as it is.
    """
    if not _is_web(url):
        return url
    is_long = len(url) > _WORTH_PACKING
    token = dumps([email_id, url], salt=_CLICK_SALT, compress=is_long)
    return _absolute("campaigns:click", token)


def read_unsubscribe(token: str) -> int:
    """Give the mail of an unsubscribe address. Raises InvalidInput."""
    return _read("unsubscribe", token)


def read_pixel(token: str) -> int:
    """Give the mail of a pixel's address. Raises InvalidInput."""
    return _read("open", token)


def read_trap(token: str) -> int:
    """Give the mail of a hidden link. Raises InvalidInput."""
    return _read("trap", token)


def read_click(token: str) -> Click:
    """Give the mail and the target of a click, a web address. Raises InvalidInput."""
    try:
        email_id, url = loads(token, salt=_CLICK_SALT)
    except (BadSignature, ValueError, TypeError):
        raise InvalidInput(_WRONG) from None
    if not _is_web(str(url)):
        raise InvalidInput(_WRONG)
    return Click(int(email_id), str(url))


_WRONG = "This link is not complete: open it again from the mail it came in."


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _signer(purpose: str) -> Signer:
    return Signer(salt=f"campaigns.{purpose}")


def _read(purpose: str, token: str) -> int:
    try:
        return int(_signer(purpose).unsign(token))
    except (BadSignature, ValueError):
        raise InvalidInput(_WRONG) from None


def _absolute(name: str, token: str) -> str:
    return f"{settings.PUBLIC_URL}{_path(name).replace(_PLACE, token)}"


@lru_cache
def _path(name: str) -> str:
    # Django looks through all addresses for each; a mail has four (0.15 of its 2 ms).
    return reverse(name, args=[_PLACE])
