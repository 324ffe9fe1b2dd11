"""Metrics of mails and campaigns for Prometheus, one aggregate query each."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Max
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from campaigns.models import Campaign, Email, Recipient, TrackingEvent
from campaigns.states import CampaignState, EmailState, SkipReason


def collect() -> Iterable[Metric]:
    """Yield mails and campaigns by state, skipped recipients by reason, and events."""
    yield _by(
        "fliptech_campaigns_emails",
        "Mails of campaigns and single ones by state.",
        "state",
        EmailState.values,
        dict(
            Email.objects.exclude(kind=Email.Kind.TEST)
            .values_list("state")
            .annotate(n=Count("*"))
            .order_by()
        ),
    )
    yield _by(
        "fliptech_campaigns_campaigns",
        "Campaigns by state.",
        "state",
        CampaignState.values,
        dict(Campaign.objects.values_list("state").annotate(n=Count("*")).order_by()),
    )
    yield _by(
        "fliptech_campaigns_recipients_skipped",
        "Leads that a campaign doesn't write to, by reason.",
        "reason",
        SkipReason.values,
        dict(
            Recipient.objects.filter(state=Recipient.State.SKIPPED)
            .values_list("reason")
            .annotate(n=Count("*"))
            .order_by()
        ),
    )
    yield _by(
        "fliptech_campaigns_tracking_events",
        "Openings, clicks and unsubscribings by people.",
        "kind",
        [kind for kind in TrackingEvent.Kind.values if kind != TrackingEvent.Kind.TRAP],
        dict(
            TrackingEvent.objects.filter(is_human=True)
            .values_list("kind")
            .annotate(n=Count("*"))
            .order_by()
        ),
    )
    yield _seconds_since_sent()


def _seconds_since_sent() -> Metric:
    metric = GaugeMetricFamily(
        "fliptech_campaigns_last_sent_seconds",
        "Seconds since the last mail was sent; absent before the first.",
    )
    latest = Email.objects.aggregate(latest=Max("sent_at"))["latest"]
    if latest is not None:
        metric.add_metric([], max((timezone.now() - latest).total_seconds(), 0.0))
    return metric


def _by(
    name: str, text: str, label: str, values: Iterable[str], counts: dict[str, int]
) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=[label])
    # Every value, also the empty ones: an alert can't fire on a missing line.
    for value in values:
        metric.add_metric([value], counts.get(value, 0))
    return metric
