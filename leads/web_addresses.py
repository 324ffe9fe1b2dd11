"""Check web addresses that people type."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from fliptech_site.addresses import AddressRefused, parse_target


def validate_web_address(value: str) -> None:
    """Raise ValidationError unless the value is an http or https address."""
    try:
        parse_target(value)
    except AddressRefused as error:
        raise ValidationError(str(error)) from None
