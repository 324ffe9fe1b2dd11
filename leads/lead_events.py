"""What other rooms tell of a lead's life, for its page in admin.

The setting LEAD_EVENTS names functions `(lead_id) -> iterable of LeadEvent`; so the rooms
above this one show there what they did, and no import runs up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.utils.module_loading import import_string


class LeadEvent(NamedTuple):
    """One thing that happened to a lead."""

    at: datetime
    #: A sentence.
    what: str
    #: Admin's page about it, empty for none.
    path: str = ""


def told_elsewhere(lead_id: int) -> Iterator[LeadEvent]:
    """Give the events that the rooms above know of a lead."""
    for name in settings.LEAD_EVENTS:
        yield from import_string(name)(lead_id)
