"""The owner's recorded consent to sources whose terms forbid automation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fliptech_site.errors import PermanentError
from leads.models import SourceConsent

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Asked(Protocol):
    """What may need a consent: a listing source, or another that asks for pages."""

    name: str
    needs_consent: bool

    def base_url(self) -> str:
        """Give the address that consent is recorded for."""


class ConsentMissingError(PermanentError):
    """Raised when a source is asked for that nobody has switched on."""


def require_consent(source: Asked) -> None:
    """Raise ConsentMissingError when the source needs a consent that isn't recorded."""
    if not source.needs_consent:
        return
    if not SourceConsent.objects.filter(
        source=source.name, base_url=source.base_url()
    ).exists():
        raise ConsentMissingError(
            f"{source.name} at {source.base_url()} is off, because its terms forbid"
            " automated reading: if you take the responsibility, record it in admin"
            " under Source consents."
        )


def record_consent(
    source: str, base_url: str, *, by: User | None = None, note: str = ""
) -> SourceConsent:
    """Record that the owner switches a source on; doing it twice keeps the first."""
    row, _ = SourceConsent.objects.get_or_create(
        source=source,
        base_url=base_url.rstrip("/"),
        defaults={"acknowledged_by": by, "note": note},
    )
    return row
