"""Metrics of mails and campaigns for Prometheus, from counts that are kept.

A scrape reads some hundred rows, however many mails there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import Count, Max
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from campaigns.counting import counted
from campaigns.models import Campaign, Email, Mailbox, ProviderFeed
from campaigns.models.counts import LEAD, What
from campaigns.states import CampaignState, EmailState, SkipReason


def collect() -> Iterable[Metric]:
    """Yield mails and campaigns by state, skipped recipients by reason, and reactions."""
    counts: dict[str, int] = defaultdict(int)
    for row in counted():
        counts[row.what] += row.n
    yield _by(
        "fliptech_campaigns_emails",
        "Mails of campaigns and single ones by state.",
        "state",
        EmailState.values,
        counts,
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
        counts,
        prefix=LEAD,
    )
    yield _by(
        "fliptech_campaigns_mails_with",
        "Mails to which this happened; by people unless it says otherwise.",
        "what",
        What.values,
        counts,
    )
    yield _seconds_since_sent()
    yield from _what_comes_in()


def _what_comes_in() -> Iterable[Metric]:
    trouble = GaugeMetricFamily(
        "fliptech_campaigns_mailbox_trouble",
        "1 for a mailbox that could not be read last time, else 0.",
        labels=["mailbox"],
    )
    for name, said in Mailbox.objects.filter(is_enabled=True).values_list(
        "name", "trouble"
    ):
        trouble.add_metric([name], float(bool(said)))
    yield trouble
    refused = CounterMetricFamily(
        "fliptech_campaigns_feed_refused",
        "Posts to a provider's feed whose signature was missing or wrong.",
        labels=["account", "provider", "content"],
    )
    for feed in ProviderFeed.objects.select_related("account"):
        refused.add_metric(
            [feed.account.name, feed.provider, feed.content], feed.refused
        )
    yield refused


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
    name: str,
    text: str,
    label: str,
    values: Iterable[str],
    counts: Mapping[str, int],
    prefix: str = "",
) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=[label])
    # Every value, also the empty ones: an alert can't fire on a missing line.
    for value in values:
        metric.add_metric([value], counts.get(prefix + value, 0))
    return metric
