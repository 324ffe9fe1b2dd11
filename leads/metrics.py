"""Metrics of leads for Prometheus, read from the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Count, Q
from prometheus_client.core import GaugeMetricFamily, Metric

from leads.models import Fetch, FieldBaseline, Lead, ScrapeJob, SourceNotice


def collect() -> Iterable[Metric]:
    """Yield leads by stage, scrape jobs by outcome and kept fetches by outcome."""
    yield _leads()
    jobs = GaugeMetricFamily(
        "fliptech_leads_scrape_jobs",
        "Scrape jobs that are kept, by outcome.",
        labels=["outcome"],
    )
    _by_outcome(jobs, ScrapeJob.objects.values_list("outcome"), "unfinished")
    yield jobs
    fetches = GaugeMetricFamily(
        "fliptech_leads_fetches",
        "Requests to strangers that are kept, by what was asked for and by outcome.",
        labels=["purpose", "outcome"],
    )
    kept = Fetch.objects.values_list("purpose", "outcome")
    for purpose, outcome, count in kept.annotate(count=Count("pk")).order_by():
        fetches.add_metric([purpose, outcome or "unfinished"], count)
    yield fetches
    yield _notices()
    yield from _fill_rates()


def _fill_rates() -> Iterable[Metric]:
    """Yield how often each source states each field, and which rates fell away."""
    usual = GaugeMetricFamily(
        "fliptech_leads_field_fill_rate",
        "Share of a source's listings that state a field, by the jobs before.",
        labels=["source", "field"],
    )
    drifting = GaugeMetricFamily(
        "fliptech_leads_field_drifting",
        "1 when the last job stated a field far more rarely than usual.",
        labels=["source", "field"],
    )
    for row in FieldBaseline.objects.order_by("source", "field"):
        usual.add_metric([row.source, row.field], row.rate)
        drifting.add_metric([row.source, row.field], float(row.is_drifting))
    yield usual
    yield drifting


def _notices() -> Metric:
    notices = GaugeMetricFamily(
        "fliptech_leads_source_notices",
        "What is wrong with sources now: stalled, blocked or drifting.",
        labels=["source", "kind"],
    )
    is_open = SourceNotice.objects.filter(cleared_at__isnull=True)
    for source, kind in is_open.values_list("source", "kind"):
        notices.add_metric([source, kind], 1)
    return notices


def _leads() -> Metric:
    leads = GaugeMetricFamily("fliptech_leads", "Leads by stage.", labels=["stage"])
    active = Q(merged_into__isnull=True)
    qualified = Q(score__gte=settings.QUALIFYING_SCORE)
    counts = Lead.objects.aggregate(
        unscored=Count("pk", filter=active & Q(score__isnull=True)),
        qualified=Count("pk", filter=active & qualified),
        unqualified=Count("pk", filter=active & Q(score__isnull=False) & ~qualified),
        merged=Count("pk", filter=~active),
    )
    for stage, count in counts.items():
        leads.add_metric([stage], count)
    return leads


def _by_outcome(metric: GaugeMetricFamily, rows: object, unfinished: str) -> None:
    for outcome, count in rows.annotate(count=Count("pk")).order_by():  # type: ignore[attr-defined]
        metric.add_metric([outcome or unfinished], count)
