"""The owner's recorded consent to sources whose terms forbid automation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fliptech_site.errors import PermanentError
from leads.models import SourceConsent
from leads.sources.base import Source

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class ConsentMissingError(PermanentError):
    """Raised when a source is asked for that nobody has switched on."""


def require_consent(source: Source) -> None:
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
