"""Figures of campaigns: as they stand, and day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from campaigns.launching import finish_if_done
from campaigns.models import Campaign, Email, Recipient, TrackingEvent
from campaigns.states import CampaignState

#: Campaigns that ended longer ago keep their last figures.
_FRESH = timedelta(days=90)
#: Days that each run computes again, so that a day of downtime leaves no hole.
_DAYS_AGAIN = 7

_DAILY = """
INSERT INTO campaigns_dailyfigures AS figures
    (day, campaign_id, sent, failed, in_doubt, opened, clicked, unsubscribed)
SELECT day, campaign_id,
    count(*) FILTER (WHERE what = 'sent'),
    count(*) FILTER (WHERE what = 'failed'),
    count(*) FILTER (WHERE what = 'in_doubt'),
    count(DISTINCT email_id) FILTER (WHERE what = 'open'),
    count(DISTINCT email_id) FILTER (WHERE what = 'click'),
    count(DISTINCT email_id) FILTER (WHERE what = 'unsubscribe')
FROM (
    SELECT (coalesce(sent_at, claimed_at) AT TIME ZONE 'UTC')::date AS day,
        campaign_id, id AS email_id, state AS what
    FROM campaigns_email
    WHERE state IN ('sent', 'failed', 'in_doubt')
    UNION ALL
    SELECT (event.created_at AT TIME ZONE 'UTC')::date, campaign_id, email_id, event.kind
    FROM campaigns_trackingevent AS event
    JOIN campaigns_email AS email ON email.id = event.email_id
    WHERE event.created_at >= %(since)s AND event.is_human
) AS happened
WHERE campaign_id IS NOT NULL AND day >= %(since)s::date AND day < %(today)s
GROUP BY day, campaign_id
ON CONFLICT (day, campaign_id) DO UPDATE SET
    sent = excluded.sent, failed = excluded.failed, in_doubt = excluded.in_doubt,
    opened = excluded.opened, clicked = excluded.clicked,
    unsubscribed = excluded.unsubscribed
"""


def update_figures() -> dict[str, int]:
    """Bring `figures` of every recent campaign up to date, and finish what is done."""
    finished = finish_if_done()
    now = timezone.now()
    campaigns = list(
        Campaign.objects.exclude(state=CampaignState.DRAFT).exclude(
            finished_at__lt=now - _FRESH
        )
    )
    figures = figures_of([campaign.pk for campaign in campaigns])
    for campaign in campaigns:
        campaign.figures = figures[campaign.pk]
        campaign.figures_at = now
    Campaign.objects.bulk_update(campaigns, ["figures", "figures_at"], batch_size=500)
    return {"campaigns": len(campaigns), "finished": finished}


def figures_of(campaign_ids: list[int]) -> dict[int, dict[str, Any]]:
    """Count for each campaign: mails by state, skipped by reason, mails with events."""
    figures: dict[int, dict[str, Any]] = {
        campaign_id: {"emails": {}, "skipped": {}, "events": {}}
        for campaign_id in campaign_ids
    }
    emails = Email.objects.filter(campaign__in=campaign_ids).values_list(
        "campaign_id", "state"
    )
    for campaign_id, state, count in emails.annotate(n=Count("*")).order_by():
        assert campaign_id is not None
        figures[campaign_id]["emails"][state] = count
    skipped = Recipient.objects.filter(
        campaign__in=campaign_ids, state=Recipient.State.SKIPPED
    ).values_list("campaign_id", "reason")
    for campaign_id, reason, count in skipped.annotate(n=Count("*")).order_by():
        figures[campaign_id]["skipped"][reason] = count
    events = TrackingEvent.objects.filter(
        email__campaign__in=campaign_ids, is_human=True
    ).values_list("email__campaign_id", "kind")
    seen = events.annotate(n=Count("email_id", distinct=True)).order_by()
    for campaign_id, kind, count in seen:
        assert campaign_id is not None
        figures[campaign_id]["events"][kind] = count
    return figures


def write_daily_figures(now: datetime | None = None) -> dict[str, int]:
    """Write the figures of the last seven whole days (UTC); again gives the same."""
    today = (now or timezone.now()).astimezone(UTC).date()
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            _DAILY, {"since": midnight - timedelta(days=_DAYS_AGAIN), "today": today}
        )
        return {"rows": cursor.rowcount}
