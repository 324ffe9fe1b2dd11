"""Count who looks at a demo site, without keeping who they are."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import date, datetime

from django.conf import settings
from django.db.models import F, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from demos.models import DemoSite, DemoView, VisitorSalt
from demos.visitors import classify, visitor_hash


def count_hit(site: DemoSite, request: HttpRequest) -> None:
    """Count one fetch of the page."""
    _count(site, request, "hits")


def count_view(site: DemoSite, request: HttpRequest) -> None:
    """Count one view that the page has reported."""
    _count(site, request, "views")


def with_viewers(sites: QuerySet[DemoSite]) -> QuerySet[DemoSite]:
    """Add `person_views` and `all_hits` to each site, in the same query."""
    people = Q(visits__visitor=DemoView.Visitor.PERSON)
    return sites.annotate(
        person_views=Coalesce(Sum("visits__views", filter=people), 0),
        all_hits=Coalesce(Sum("visits__hits"), 0),
    )


def last_watched(lead_ids: Collection[int]) -> dict[int, datetime]:
    """Give when a person last viewed the demo site of each lead, if one ever did."""
    views = DemoView.objects.filter(
        site__lead__in=lead_ids, visitor=DemoView.Visitor.PERSON, views__gt=0
    )
    rows = views.order_by().values("site__lead").annotate(at=Max("last_at"))
    return dict(rows.values_list("site__lead", "at"))


def watched_since(since: datetime) -> list[tuple[int, datetime]]:
    """Give the leads whose demo sites people viewed since then, with the latest time."""
    views = DemoView.objects.filter(
        visitor=DemoView.Visitor.PERSON, views__gt=0, last_at__gte=since
    )
    return list(views.order_by().values_list("site__lead", "last_at"))


def _count(site: DemoSite, request: HttpRequest, counter: str) -> None:
    now = timezone.now()
    agent = request.headers.get("User-Agent", "").replace("\x00", "")
    visit, _ = DemoView.objects.get_or_create(
        site=site,
        day=now.date(),
        visitor=_visitor(request),
        visitor_hash=visitor_hash(_salt_of(now.date()), _address(request), agent),
        defaults={"user_agent": agent[:200], "last_at": now},
    )
    DemoView.objects.filter(pk=visit.pk).update(
        **{counter: F(counter) + 1, "last_at": now}
    )


def _address(request: HttpRequest) -> str:
    forwarded = request.headers.get("X-Forwarded-For", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        # Our own proxy adds the last one; whoever asks may have made up the others.
        return forwarded.rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def _visitor(request: HttpRequest) -> str:
    kind = classify(request.headers)
    if kind == "person" and request.user.is_authenticated:
        return DemoView.Visitor.TEAM
    return kind


def _salt_of(day: date) -> bytes:
    row, _ = VisitorSalt.objects.get_or_create(
        day=day, defaults={"salt": secrets.token_bytes(16)}
    )
    return bytes(row.salt)
