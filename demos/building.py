"""Build a lead's demo site: read the facts, write the page, switch to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from demos.composing import Page, compose
from demos.facts import Facts, Source, clean
from demos.models import DemoSite
from demos.publishing import is_on_disk, write_build
from fliptech_site.errors import PermanentError
from leads.merging import surviving_id
from leads.models import Lead

_SHOWN = ("name", "phone", "email", "street", "city", "description")


class BuiltDemo(TypedDict):
    """What a build reports; `changed` is False when the page was there already."""

    demo_id: int
    lead_id: int
    url: str
    build: str
    bytes: int
    changed: bool


def generate_demo(lead_id: int) -> BuiltDemo:
    """Build and publish the demo site of a lead; a merged lead gives its survivor's.

    May run twice and at the same time: the same content is published once, and of two
    contents the one with the newer facts stays. Raises PermanentError for a lead that
    is unknown or nameless, and for a site that a person has revoked.
    """
    lead = _find_lead(lead_id)
    site = _begin(lead)
    page = compose(read_facts(lead))
    if site.is_live and site.build == page.build and is_on_disk(site.token, page.build):
        DemoSite.objects.filter(pk=site.pk).update(build_started_at=None)
        return _report(site, page, changed=False)
    write_build(site.token, page.build, page.html)
    _switch(site, page, lead.updated_at)
    site.refresh_from_db()
    _refuse_if_revoked(site)
    return _report(site, page, changed=True)


def read_facts(lead: Lead) -> Facts:
    """Take what a page may say from a lead and from where each field came."""
    audit: dict[str, Any] = lead.audit if isinstance(lead.audit, dict) else {}
    return Facts(
        name=lead.name,
        category=lead.category,
        description=lead.description,
        email=lead.email,
        phone=lead.phone,
        street=lead.street,
        city=lead.city,
        region=lead.region,
        postal_code=lead.postal_code,
        country=lead.country,
        latitude=lead.latitude,
        longitude=lead.longitude,
        hours=_texts(audit.get("opening_hours")),
        colour=str(audit.get("theme_color") or ""),
        sources=_sources(lead),
    )


def _find_lead(lead_id: int) -> Lead:
    lead = Lead.objects.get(pk=surviving_id(lead_id))
    if not clean(lead.name, 200):
        raise PermanentError(
            f"Lead {lead.pk} has no name: enter one in admin, then build its demo."
        )
    return lead


def _begin(lead: Lead) -> DemoSite:
    site, _ = DemoSite.objects.get_or_create(lead=lead)
    _refuse_if_revoked(site)
    DemoSite.objects.filter(pk=site.pk).update(build_started_at=timezone.now())
    return site


def _refuse_if_revoked(site: DemoSite) -> None:
    if site.state == DemoSite.State.REVOKED:
        raise PermanentError(
            f"The demo of lead {site.lead_id} was revoked by a person: use “Allow"
            " again” in admin if it should be built."
        )


def _switch(site: DemoSite, page: Page, facts_as_of: datetime) -> None:
    # One statement decides: not against a revocation and not back to older facts.
    now = timezone.now()
    DemoSite.objects.filter(
        Q(facts_as_of__isnull=True) | Q(facts_as_of__lte=facts_as_of), pk=site.pk
    ).exclude(state=DemoSite.State.REVOKED).update(
        state=DemoSite.State.PUBLISHED,
        build=page.build,
        script_hash=page.script_hash,
        trade=page.trade,
        size_bytes=len(page.html),
        facts_as_of=facts_as_of,
        build_started_at=None,
        published_at=now,
        expires_at=now + timedelta(days=settings.DEMO_DAYS),
    )


def _report(site: DemoSite, page: Page, *, changed: bool) -> BuiltDemo:
    return BuiltDemo(
        demo_id=site.pk,
        lead_id=site.lead_id,
        url=site.public_url,
        build=site.build,
        bytes=len(page.html),
        changed=changed,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _sources(lead: Lead) -> tuple[Source, ...]:
    newest = (
        lead.facts.filter(field__in=_SHOWN)
        .order_by("field", "-fetched_at", "pk")
        .distinct("field")
    )
    return tuple(
        Source(
            field=fact.field,
            source=fact.source,
            day=fact.fetched_at.date().isoformat(),
        )
        for fact in newest
    )
