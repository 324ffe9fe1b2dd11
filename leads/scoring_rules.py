"""Score how much a business could use us, 0 to 100, with a reason for every point.

Pure. High means: no site, or a poor one. Low means: an excellent site, or one that we
know nothing about and therefore don't judge.
"""

from __future__ import annotations

import re
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
#: Years since the copyright line, or the last change, from which a site is neglected.
_OLD_YEARS = 3
#: Pictures from which it is looked at how many have a text for those who don't see them.
_SOME_PICTURES = 4
#: Whom a business seeks that wants to do itself what we could do for it.
_OUR_TRADE = re.compile(
    r"\b(?:web(?:site|master)?|front.?end|wordpress|shopify|e-?commerce|seo|marketing"
    r"|social media|content|graphic|designer|photograph|video)",
    re.IGNORECASE,
)
_SHOWN_TITLES = 80
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


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
    judged = (*_site_reasons(lead, audit), *_hiring(lead), *_contact_reasons(lead))
    for reason in judged:
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
    elif audit.is_reachable and audit.is_parked:
        yield Reason(60, "At its address stands only a host's own page, no website.")
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
        *_reader_reasons(audit),
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
    age = _years_since(audit, audit.copyright_year)
    changed = _year_of_change(audit)
    since_change = _years_since(audit, changed)
    if age is not None and age >= _OLD_YEARS:
        yield Reason(12, f"Its copyright line is from {audit.copyright_year}.")
    elif since_change is not None and since_change >= _OLD_YEARS:
        yield Reason(8, f"Its website was last changed in {changed}.")


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


def _reader_reasons(audit: SiteAudit) -> Iterator[Reason]:
    if audit.is_shell:
        yield Reason(6, "Its home page is empty for everybody who runs no scripts.")
    if audit.is_https and audit.has_mixed_content:
        yield Reason(4, "Its encrypted pages load pictures or scripts unencrypted.")
    if audit.phones and not audit.has_phone_link:
        yield Reason(2, "Its telephone number can't be called with one tap.")
    silent = audit.images_without_text
    if audit.images >= _SOME_PICTURES and silent * 2 > audit.images:
        yield Reason(
            2, f"{silent} of its {audit.images} pictures have no text for the blind."
        )


def _hiring(lead: Mapping[str, Any]) -> Iterator[Reason]:
    titles = str(lead.get("hiring") or "")
    if not titles:
        return
    ours = [title for title in titles.split("; ") if _OUR_TRADE.search(title)]
    if ours:
        named = "; ".join(ours)[:_SHOWN_TITLES]
        yield Reason(15, f"It seeks somebody for work that is ours: {named}.")
    else:
        yield Reason(5, f"It is hiring, so it grows: {titles[:_SHOWN_TITLES]}.")


def _years_since(audit: SiteAudit, year: int | None) -> int | None:
    if year is None or not audit.checked_at:
        return None
    return datetime.fromisoformat(audit.checked_at).year - year


def _year_of_change(audit: SiteAudit) -> int | None:
    """Give the year in which the site was last changed, as far as it says so itself.

    The header speaks only for pages that are files: others are made at each request,
    and then it names today.
    """
    for told in (audit.updated_at, audit.last_modified):
        if found := _YEAR.search(told):
            return int(found[0])
    return None


def _contact_reasons(lead: Mapping[str, Any]) -> Iterator[Reason]:
    if lead.get("email"):
        yield Reason(5, "It can be reached by e-mail.")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
