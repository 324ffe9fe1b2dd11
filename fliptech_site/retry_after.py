"""Read the Retry-After header in both its forms. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(value: str | None, *, now: datetime) -> float | None:
    """Give the seconds that a Retry-After header asks to wait, None if it says none.

    RFC 9110, section 10.2.3: whole seconds or an HTTP date. A date in the past is 0.
    Fractions of seconds are not in the RFC, and servers send them.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return max((moment - now).total_seconds(), 0.0)
    except OverflowError:
        return None
