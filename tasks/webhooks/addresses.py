"""Which addresses a webhook may have. The true check comes when the socket is opened."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings

from fliptech_site.addresses import (
    AddressRefused,
    Target,
    check_port,
    is_allowed_private,
    is_localhost,
    is_public,
    parse_target,
)
from fliptech_site.errors import InvalidInput

MAX_LENGTH = 2000


def check_url(url: object) -> Target:
    """Return where a webhook's address leads; raises InvalidInput for a bad one.

    Bodies tell what tasks did, so they go by https, except to hosts that
    FETCH_ALLOWED_PRIVATE lists. A password in the address would stand in rows and pages.
    """
    if not isinstance(url, str) or len(url) > MAX_LENGTH:
        raise InvalidInput(
            f"A webhook's address is a text of at most {MAX_LENGTH} characters."
        )
    try:
        target = parse_target(url)
        check_port(target)
    except AddressRefused as error:
        raise InvalidInput(str(error)) from None
    if "@" in urlsplit(url).netloc:
        raise InvalidInput(
            "A webhook's address can't hold a user or password: remove what stands"
            " before the @; the signature says who sends."
        )
    if is_allowed_private(target.host, target.port, settings.FETCH_ALLOWED_PRIVATE):
        return target
    if target.scheme != "https":
        raise InvalidInput(
            f"{target.origin} is no https:// address, so others could read what is sent:"
            " use https, or add the host to FETCH_ALLOWED_PRIVATE."
        )
    if is_localhost(target.host) or (
        _is_ip(target.host) and not is_public(target.host)
    ):
        raise InvalidInput(
            f"{target.host_port} is in a private network: if that is meant, add it to"
            " FETCH_ALLOWED_PRIVATE."
        )
    return target


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
