"""Alerts and the guide to monitoring name metrics that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks import metrics
from tasks.enqueueing import enqueue
from tasks.models import Actor, Queue
from tasks.throttling import limit_concurrency, limit_rate

ROOT = Path(__file__).resolve().parents[2]
ALERTS = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
GUIDE = (ROOT / "docs" / "monitoring.md").read_text()


def named(text: str) -> set[str]:
    return set(re.findall(r"\bfliptech_tasks_\w+", text))


@pytest.fixture
def told(db) -> set[str]:
    """Every name that a scrape of the ledger may bring."""
    enqueue("debug_task")
    for name, kind in (("ai", Queue), ("debug_task", Actor)):
        limit_rate(name, 5, kind)
        limit_concurrency(name, 5, kind)
    return {sample.name for metric in metrics.collect() for sample in metric.samples}


def test_alerts_ask_for_metrics_that_there_are(told):
    assert named(ALERTS) <= told
    assert len(named(ALERTS)) > 5


def test_the_guide_explains_every_metric_and_no_other(told):
    parts = re.compile("_(bucket|count|sum|created)$")
    assert {parts.sub("", name) for name in named(GUIDE)} == {
        parts.sub("", name) for name in told
    }


def test_the_guide_lists_every_alert():
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    assert re.findall(r"^\| `(FlipTech\w+)`", GUIDE, re.MULTILINE) == alerts
    assert ALERTS.count("action: ") == ALERTS.count("summary: ") == len(alerts)
