"""Say what an answer means, before anybody reads it as a page. Pure."""

from __future__ import annotations

from collections.abc import Collection

from leads.contacts import visible_text
from leads.outcomes import Outcome
from leads.pages import first, parse_html, text_of
from leads.walls import LONGEST_WALL, find_wall

HTML_TYPES = ("text/html", "application/xhtml+xml", "text/plain", "application/xml")
#: What feeds and interfaces answer with.
FEED_TYPES = (
    *("application/json", "text/json", "text/javascript", "application/ld+json"),
    *("application/rss+xml", "application/atom+xml", "text/xml", *HTML_TYPES),
)


def wall_in(text: str) -> str:
    """Say which wall stands in place of a page that came with a good status."""
    if len(text) > LONGEST_WALL:
        return ""
    page = parse_html(text)
    title = text_of(first(page, "//title"))
    return find_wall(text, title=title, text=visible_text(page))


def judge(
    status: int, content_type: str, body: bytes, *, kinds: Collection[str] = HTML_TYPES
) -> tuple[Outcome, str]:
    """Say what an answer means, by its status and type."""
    if status in (429, 503):
        # 503 with or without Retry-After says "not now" (RFC 9110, section 15.6.4).
        return Outcome.RATE_LIMITED, f"The host answered {status}: not now."
    if status in (401, 402, 403, 407, 451):
        return Outcome.BLOCKED, f"The host refuses us with {status}."
    if status in (404, 410):
        return Outcome.ERROR, f"There is no such page ({status})."
    if not 200 <= status < 300:
        return Outcome.ERROR, f"The host answered {status}."
    kind = content_type.partition(";")[0].strip().lower()
    if kind and kind not in kinds:
        return Outcome.ERROR, f"The page is no text to read but {kind[:60]!r}."
    if not body.strip():
        return Outcome.EMPTY, "The page came without a single character."
    return Outcome.OK, ""
