"""Score how much a business could use us, 0 to 100, with a reason for every point.

Pure. High means: no site, or a poor one. Low means: an excellent site, or one that we
know nothing about and therefore don't judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from leads.auditing import SiteAudit
from leads.matching import is_shared_platform
from leads.outcomes import Outcome

#: Bytes of HTML from which a page is called heavy and very heavy.
_HEAVY_BYTES, _VERY_HEAVY_BYTES = 500_000, 1_500_000
#: Milliseconds until the first answer from which a site is called slow.
_SLOW_MS, _VERY_SLOW_MS = 1_200, 3_000
#: Years since the copyright line from which a site is called neglected.
_OLD_YEARS = 3


class Reason(NamedTuple):
    """Some points and the sentence that says what for."""

    points: int
    reason: str


class Score(NamedTuple):
    """A score and its reasons; their points add up to it."""

    points: int
    reasons: list[Reason]


def rate(lead: Mapping[str, Any], audit: SiteAudit | None) -> Score:
    """Score a lead's fields and the audit of its website (None: never visited)."""
    reasons: list[Reason] = []
    total = 0
    for reason in (*_site_reasons(lead, audit), *_contact_reasons(lead)):
        # The ceiling is taken off the reason that crosses it, so the sum stays true.
        points = min(reason.points, 100 - total)
        reasons.append(Reason(points, reason.reason))
        total += points
    return Score(total, reasons)


def _site_reasons(lead: Mapping[str, Any], audit: SiteAudit | None) -> Iterator[Reason]:
    website = str(lead.get("website") or "")
    if not website:
        yield Reason(70, "It has no website that we could find.")
    elif is_shared_platform(website):
        yield Reason(60, "It has only a page on somebody else's platform, no own site.")
    elif audit is None:
        yield Reason(0, "Its website has not been looked at yet.")
    elif audit.is_reachable:
        yield from _quality_reasons(audit)
    elif audit.outcome == Outcome.ERROR:
        yield Reason(60, f"Its website does not work: {_sentence(audit.reason)}")
    else:
        yield Reason(
            0, f"Its website was not judged: {_sentence(audit.reason or audit.outcome)}"
        )


def _quality_reasons(audit: SiteAudit) -> Iterator[Reason]:
    found = [
        *_phone_and_safety(audit),
        *_search_reasons(audit),
        *_care_reasons(audit),
        *_speed_reasons(audit),
    ]
    yield from found or [Reason(0, "Its website is in good shape.")]


def _phone_and_safety(audit: SiteAudit) -> Iterator[Reason]:
    if not audit.has_viewport:
        yield Reason(25, "Its website is not made for phones (no viewport).")
    if not audit.is_https:
        yield Reason(10, "Its website is not encrypted: browsers call it not secure.")


def _search_reasons(audit: SiteAudit) -> Iterator[Reason]:
    if not audit.title:
        yield Reason(8, "Its home page has no title for search results.")
    if not audit.meta_description:
        yield Reason(8, "Its home page has no description for search results.")
    if not audit.has_structured_data:
        yield Reason(7, "Its website tells search engines no name, address or hours.")


def _care_reasons(audit: SiteAudit) -> Iterator[Reason]:
    if not audit.has_contact_form:
        yield Reason(8, "Its website has no contact form.")
    if audit.outdated_technology:
        used = ", ".join(audit.outdated_technology)
        yield Reason(15, f"Its website is built with techniques of the past: {used}.")
    age = _years_old(audit)
    if age is not None and age >= _OLD_YEARS:
        yield Reason(12, f"Its copyright line is from {audit.copyright_year}.")


def _speed_reasons(audit: SiteAudit) -> Iterator[Reason]:
    seconds = audit.response_ms / 1000
    if audit.response_ms >= _VERY_SLOW_MS:
        yield Reason(10, f"Its website takes {seconds:.1f} seconds to answer.")
    elif audit.response_ms >= _SLOW_MS:
        yield Reason(5, f"Its website is slow: {seconds:.1f} seconds to answer.")
    megabytes = audit.page_bytes / 1_000_000
    if audit.page_bytes >= _VERY_HEAVY_BYTES:
        yield Reason(8, f"Its home page is very heavy: {megabytes:.1f} MB of HTML.")
    elif audit.page_bytes >= _HEAVY_BYTES:
        yield Reason(4, f"Its home page is heavy: {megabytes:.1f} MB of HTML.")


def _years_old(audit: SiteAudit) -> int | None:
    if audit.copyright_year is None or not audit.checked_at:
        return None
    return datetime.fromisoformat(audit.checked_at).year - audit.copyright_year


def _contact_reasons(lead: Mapping[str, Any]) -> Iterator[Reason]:
    if lead.get("email"):
        yield Reason(5, "It can be reached by e-mail.")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
