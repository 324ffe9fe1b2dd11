"""The words for how a fetch or a whole scrape ended; a zero is never silent."""

from __future__ import annotations

from django.db.models import TextChoices


class Outcome(TextChoices):
    """How a fetch or a scrape ended. Every one but `ok` comes with a reason."""

    #: What was asked for arrived whole.
    OK = "ok", "ok"
    #: The page is proved to be a good page with nothing on it.
    EMPTY = "empty", "empty"
    #: Something arrived, and something is missing.
    PARTIAL = "partial", "partial"
    #: The host refuses us: 401, 403, 451, a block page, a wall.
    BLOCKED = "blocked", "blocked"
    #: robots.txt forbids the page, or can't be read (RFC 9309, 2.3.1.4).
    DENIED_BY_ROBOTS = "denied_by_robots", "denied by robots"
    #: The host said "too many requests" and we keep away until it allows more.
    RATE_LIMITED = "rate_limited", "rate limited"
    #: The page came, and what we know to read on it is not there.
    MARKUP_CHANGED = "markup_changed", "markup changed"
    #: Not reachable, not found, too slow, too many redirects, not text.
    ERROR = "error", "error"
