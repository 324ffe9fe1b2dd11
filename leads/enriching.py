"""Visit a lead's own website: contact data, facts and an audit of its quality."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from fliptech_site.errors import TransientError
from leads.auditing import SiteAudit
from leads.fetching import Page, fetch
from leads.matching import is_shared_platform
from leads.merging import store_record, surviving_id
from leads.models import Fetch, Lead
from leads.outcomes import Outcome
from leads.pages import storable
from leads.records import LeadRecord, Value
from leads.sources.website import NAME, SitePage, read_site_page
from leads.throttling import Patience
from tasks.enqueueing import enqueue

#: Pages read on one site besides its home page.
_MORE_PAGES = 3
#: Seconds that one visit may wait for its turns; the task's limit is six minutes.
_PATIENCE_SECONDS = 90.0
#: A site is called down only when it failed twice, this far apart.
_SECOND_LOOK = timedelta(seconds=15)
#: A pause that the host asks for and that is worth keeping the task for.
_LONGEST_PAUSE_SECONDS = 15 * 60


def enrich_lead(lead_id: int) -> dict[str, Any]:
    """Read a lead's website, keep what it says, and enqueue its scoring.

    Raises RateLimited while the host asks to wait, TransientError at the first sight
    of a broken site, InvalidInput when there is no such lead.
    """
    lead = Lead.objects.get(pk=surviving_id(lead_id))
    if not lead.website or is_shared_platform(lead.website):
        return _finish(lead.pk, audit=None)
    patience = Patience(_PATIENCE_SECONDS)
    home = fetch(lead.website, patience=patience, lead=lead)
    _raise_if_later(home, lead)
    if not home.has_text:
        return _finish(lead.pk, audit=_unread(home))
    region = lead.country if len(lead.country) == 2 else "US"
    first = read_site_page(home.text, url=home.final_url, region=region)
    visits = [(home, first), *_more_pages(first, lead, patience, region)]
    stored = store_record(_record(home, visits, region), lead_id=lead.pk)
    return _finish(stored.lead_id, audit=_audit(home, visits))


def _raise_if_later(home: Page, lead: Lead) -> None:
    """Put the visit off when the host says so, or when a failure may be a hiccup."""
    if home.outcome == Outcome.RATE_LIMITED:
        if (home.retry_after or 0) <= _LONGEST_PAUSE_SECONDS:
            raise home.rate_limit()
    elif home.is_host_down and not _failed_before(home, lead):
        raise TransientError(
            f"{home.reason} It is tried once more before the site counts as down.",
            retry_after=_SECOND_LOOK.total_seconds() + 1,
        )


def _failed_before(home: Page, lead: Lead) -> bool:
    return (
        Fetch.objects.filter(
            lead=lead,
            purpose=Fetch.Purpose.PAGE,
            outcome__in=[Outcome.ERROR, Outcome.DENIED_BY_ROBOTS],
            created_at__lte=timezone.now() - _SECOND_LOOK,
            created_at__gte=timezone.now() - timedelta(hours=1),
        )
        .exclude(pk=home.fetch_id or 0)
        .exists()
    )


def _more_pages(
    first: SitePage, lead: Lead, patience: Patience, region: str
) -> list[tuple[Page, SitePage]]:
    """Read a few pages that may hold contact data, until there is an address."""
    visits: list[tuple[Page, SitePage]] = []
    emails = list(first.emails)
    for url in first.contact_links[:_MORE_PAGES]:
        if emails and any(site.has_contact_form for site in (first, *_sites(visits))):
            break
        page = fetch(url, patience=patience, lead=lead)
        if page.outcome == Outcome.RATE_LIMITED:
            break  # The home page is enough to go on with.
        if page.has_text:
            site = read_site_page(page.text, url=page.final_url, region=region)
            visits.append((page, site))
            emails += site.emails
    return visits


def _sites(visits: list[tuple[Page, SitePage]]) -> list[SitePage]:
    return [site for _, site in visits]


def _record(home: Page, visits: list[tuple[Page, SitePage]], region: str) -> LeadRecord:
    values: dict[str, Value] = {}
    # The home page speaks first; the other pages fill what it leaves open.
    for _, site in visits:
        for field, value in site.values.items():
            values[field] = values.get(field) or value
    emails, phones = _contacts(visits)
    values["email"] = emails[0] if emails else ""
    values["phone"] = phones[0] if phones else ""
    return LeadRecord(
        values=values,
        source=NAME,
        url=home.final_url,
        fetched_at=home.fetched_at,
        fetch_id=home.fetch_id,
        region=region,
    )


def _contacts(visits: list[tuple[Page, SitePage]]) -> tuple[list[str], list[str]]:
    emails = [address for site in _sites(visits) for address in site.emails]
    phones = [number for site in _sites(visits) for number in site.phones]
    return list(dict.fromkeys(emails)), list(dict.fromkeys(phones))


def _audit(home: Page, visits: list[tuple[Page, SitePage]]) -> SiteAudit:
    emails, phones = _contacts(visits)
    audit = SiteAudit(
        outcome=home.outcome,
        reason=home.reason,
        url=home.final_url,
        is_reachable=True,
        is_https=home.final_url.startswith("https://"),
        page_bytes=home.size,
        response_ms=home.elapsed_ms,
        last_modified=storable(home.headers.get("Last-Modified", ""))[:100],
        pages=[page.final_url for page, _ in visits],
        emails=emails[:10],
        phones=phones[:10],
        socials=_socials(visits),
        hours=next((site.hours for site in _sites(visits) if site.hours), []),
        checked_at=home.fetched_at.isoformat(),
        **visits[0][1].audit,
    )
    has_form = any(site.has_contact_form for site in _sites(visits))
    has_data = any(site.audit["has_structured_data"] for site in _sites(visits))
    return replace(audit, has_contact_form=has_form, has_structured_data=has_data)


def _socials(visits: list[tuple[Page, SitePage]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for site in _sites(visits):
        found = {**site.socials, **found}
    return found


def _unread(home: Page) -> SiteAudit:
    # A robots.txt that can't be had because the host is down says the site is down.
    is_down = home.is_host_down and home.outcome == Outcome.DENIED_BY_ROBOTS
    return SiteAudit(
        outcome=Outcome.ERROR if is_down else home.outcome,
        reason=home.reason,
        url=home.final_url or home.url,
        checked_at=home.fetched_at.isoformat(),
    )


def _finish(lead_id: int, *, audit: SiteAudit | None) -> dict[str, Any]:
    """Keep the audit and enqueue the scoring, together or not at all."""
    with transaction.atomic():
        Lead.objects.filter(pk=lead_id).update(
            audit=audit.as_json() if audit else {},
            enriched_at=timezone.now(),
            updated_at=timezone.now(),
        )
        enqueue("analyze_lead", lead_id=lead_id, unique_key=f"analyze_lead:{lead_id}")
    return {
        "lead_id": lead_id,
        "outcome": str(audit.outcome) if audit else "",
        "reason": audit.reason if audit else "It has no website of its own.",
        "pages": len(audit.pages) if audit else 0,
        "emails": len(audit.emails) if audit else 0,
    }
