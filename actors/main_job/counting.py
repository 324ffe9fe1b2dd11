"""Count in the database what the funnel holds for the sample territory."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from actors.main_job.funnel import Funnel
from campaigns.models import Campaign, Email, Recipient
from campaigns.states import OPEN, CampaignState, EmailState
from demos.models import DemoSite
from leads.models import Lead, Posting


def count(campaign: Campaign) -> Funnel:
    """Count everything that there is, whichever run brought it."""
    found = _postings().count()
    leads = _leads()
    counted = leads.aggregate(
        known=Count("pk"),
        scored=Count("pk", filter=Q(score__isnull=False)),
        qualified=Count("pk", filter=Q(score__gte=settings.QUALIFYING_SCORE)),
    )
    emails = dict(
        Email.objects.filter(campaign=campaign)
        .order_by()
        .values_list("state")
        .annotate(Count("pk"))
    )
    return Funnel(
        leads_found=found,
        leads_new=counted["known"],
        leads_merged=found - counted["known"],
        leads_scored=counted["scored"],
        leads_qualified=counted["qualified"],
        demos_published=_published().count(),
        emails_sent=emails.get(EmailState.SENT, 0),
        emails_in_doubt=emails.get(EmailState.IN_DOUBT, 0),
        emails_skipped=_skipped(campaign),
    )


def since(before: Funnel, now: Funnel, tasks: Mapping[str, int]) -> Funnel:
    """Return `now` with what came after `before` in its `…_new` counts."""
    return dataclasses.replace(
        now,
        leads_new=now.leads_new - before.leads_new,
        demos_new=now.demos_published - before.demos_published,
        emails_new=now.emails_sent - before.emails_sent,
        tasks=tasks,
    )


def leads_without_demo() -> list[int]:
    """Return the ids of qualifying leads that have no published demo site."""
    return list(
        _leads()
        .filter(score__gte=settings.QUALIFYING_SCORE)
        .exclude(pk__in=_published().values("lead_id"))
        .order_by("-score", "pk")
        .values_list("pk", flat=True)
    )


def mails(campaign: Campaign) -> tuple[int, int]:
    """Return how many of the campaign's mails were sent and how many are on their way.

    The mails of a campaign that somebody paused or cancelled are on no way.
    """
    campaign.refresh_from_db()
    counted = Email.objects.filter(campaign=campaign).aggregate(
        sent=Count("pk", filter=Q(state=EmailState.SENT)),
        open=Count("pk", filter=Q(state__in=OPEN)),
    )
    is_running = campaign.state == CampaignState.RUNNING
    return counted["sent"], counted["open"] if is_running else 0


def _postings() -> QuerySet[Posting]:
    return Posting.objects.filter(
        url__startswith=f"{settings.CRAIGSLIST_URL}/", lead__isnull=False
    )


def _leads() -> QuerySet[Lead]:
    return Lead.objects.active().filter(pk__in=_postings().values("lead_id"))


def _published() -> QuerySet[DemoSite]:
    return DemoSite.objects.live().filter(lead__in=_leads())


def _skipped(campaign: Campaign) -> dict[str, int]:
    """Count who got no mail by reason, left out at the launch or at the last moment."""
    counted = (
        Recipient.objects.filter(campaign=campaign, state=Recipient.State.SKIPPED)
        .order_by("reason")
        .values_list("reason")
        .annotate(Count("pk"))
    )
    return dict(counted)
