"""Figures of campaigns: folded every five minutes, written down day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from campaigns.counting import counted, fold, let_go_of_hours
from campaigns.launching import finish_if_done
from campaigns.models.counts import LEAD
from campaigns.states import EmailState, SkipReason
from campaigns.watching import note_watched_demos

#: Views of demo sites that are looked at again: by every run, and by the daily one.
_DAYS_OF_VIEWS = 1
_DAYS_OF_VIEWS_DAILY = 30

#: Columns of a day; each counts what bears its name.
COLUMNS = (
    "sent", "failed", "in_doubt", "opened", "clicked", "demo_viewed", "replied",
    "bounced", "complained", "unsubscribed",
)  # fmt: skip
_SUMS = ", ".join(
    f"greatest(coalesce(sum(n) FILTER (WHERE what = '{column}'), 0), 0) AS {column}"
    for column in COLUMNS
)
_UPDATES = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS)

#: Days whose hours changed since they were written, or that were never written: late
#: events correct them, and a downtime leaves no hole.
_DAILY = f"""
WITH hours AS (
    SELECT *, (hour AT TIME ZONE 'UTC')::date AS day FROM campaigns_hourlycount
    WHERE hour < %(today)s
), stale AS (
    SELECT day FROM hours
    LEFT JOIN (
        SELECT day, min(written_at) AS written_at FROM campaigns_dailyfigures GROUP BY day
    ) AS written USING (day)
    GROUP BY day, written_at HAVING written_at IS NULL OR max(changed_at) >= written_at
)
INSERT INTO campaigns_dailyfigures AS figures (day, campaign_id, step, variant_id,
    account_id, {", ".join(COLUMNS)}, written_at)
SELECT day, campaign_id, step, variant_id, account_id, {_SUMS}, clock_timestamp()
FROM hours JOIN stale USING (day)
WHERE campaign_id IS NULL OR EXISTS (
    SELECT FROM campaigns_campaign AS campaign WHERE campaign.id = hours.campaign_id
)
GROUP BY day, campaign_id, step, variant_id, account_id
ON CONFLICT (day, campaign_id, step, variant_id, account_id)
DO UPDATE SET {_UPDATES}, written_at = excluded.written_at
"""  # noqa: S608 - names of columns above


def update_figures() -> dict[str, int]:
    """Fold what changed since the last time, and finish what is done.

    Costs as much as has happened since, however many mails there are.
    """
    watched = note_watched_demos(_DAYS_OF_VIEWS)
    folded = fold()
    return {"folded": folded, "watched": watched, "finished": finish_if_done()}


def figures_of(campaign_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Count for each campaign: mails by state, skipped leads by reason, mails with events.

    As of this moment, from the counts that are kept.
    """
    figures: dict[int, dict[str, Any]] = {
        campaign_id: {"emails": {}, "skipped": {}, "events": {}}
        for campaign_id in campaign_ids
    }
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for row in counted(campaign_ids):
        assert row.campaign_id is not None
        sums[row.campaign_id, row.what] += row.n
    for (campaign_id, what), n in sums.items():
        group, name = _place_of(what)
        if group and n:
            figures[campaign_id][group][name] = n
    return figures


def _place_of(what: str) -> tuple[str, str]:
    if what in EmailState.values:
        return "emails", what
    if not what.startswith(LEAD):
        return "events", what
    reason = what.removeprefix(LEAD)
    return ("skipped", reason) if reason in SkipReason.values else ("", "")


def write_daily_figures(now: datetime | None = None) -> dict[str, int]:
    """Write the whole days (UTC) that are new or have changed; again gives the same."""
    today = (now or timezone.now()).astimezone(UTC).date()
    note_watched_demos(_DAYS_OF_VIEWS_DAILY)
    fold()
    with connection.cursor() as cursor:
        cursor.execute(
            _DAILY, {"today": datetime(today.year, today.month, today.day, tzinfo=UTC)}
        )
        rows = cursor.rowcount
    return {"rows": rows, "hours_let_go": let_go_of_hours()}
