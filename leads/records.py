"""What a source says about a business: values on their way to becoming a lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Value = str | float | None


@dataclass(frozen=True)
class LeadRecord:
    """One business as one page of one source shows it."""

    #: Field name of a lead -> value; empty values are left out by `known()`.
    values: Mapping[str, Value]
    source: str
    url: str
    fetched_at: datetime
    fetch_id: int | None = None
    #: The source's own id of the listing, empty when it has none.
    listing_key: str = ""
    #: A headline to call the business by when the page doesn't say its name.
    fallback_name: str = ""
    #: ISO 3166 country in whose notation phone numbers are read.
    region: str = "US"

    def known(self) -> dict[str, str | float]:
        """Give the fields that have a value."""
        return {
            name: value
            for name, value in self.values.items()
            if value is not None and value != ""
        }
