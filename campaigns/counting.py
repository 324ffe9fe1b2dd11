"""Fold what changed into counts, and read them: exact at every moment, scanning no mail.

The triggers of the mails write each change in its own commit, so whatever is committed is
counted once: in the counts when it was folded, among the changes until then. A fold
deletes what it adds up, and readers look at both in one snapshot.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from campaigns.models.counts import What
from campaigns.states import EmailState

#: Days that hours are kept; what is told of an earlier time counts in the totals alone.
HOUR_DAYS = 90

#: What happens to mails at a time, so that hours and days can tell of it.
HAPPENINGS = (
    EmailState.SENT.value,
    EmailState.FAILED.value,
    EmailState.IN_DOUBT.value,
    *What.values,
)

_KEY = "campaign_id, step, variant_id, account_id"
#: Both sides of changes: what they were is one less, what they became one more.
_HALVES = f"""
SELECT {_KEY}, domain, half.what, half.at, half.n FROM {{changes}},
    LATERAL (VALUES (was, was_at, -n), (became, became_at, n)) AS half(what, at, n)
WHERE half.what <> ''
"""  # noqa: S608 - constants above

_FOLD = f"""
WITH folded AS (
    DELETE FROM campaigns_change RETURNING *
), half AS MATERIALIZED ({_HALVES.format(changes="folded")}
), counted AS (
    INSERT INTO campaigns_count AS known ({_KEY}, what, n)
    SELECT {_KEY}, what, sum(n) FROM half
    GROUP BY {_KEY}, what HAVING sum(n) <> 0
    ON CONFLICT ({_KEY}, what) DO UPDATE SET n = known.n + excluded.n
), by_hour AS (
    INSERT INTO campaigns_hourlycount AS known ({_KEY}, hour, what, n, changed_at)
    SELECT {_KEY}, date_trunc('hour', at, 'UTC') AS hour, what, sum(n), clock_timestamp()
    FROM half WHERE what = ANY(%(happenings)s)
        AND at >= clock_timestamp() - make_interval(days => %(days)s)
    GROUP BY {_KEY}, 5, what HAVING sum(n) <> 0
    ON CONFLICT ({_KEY}, hour, what)
    DO UPDATE SET n = known.n + excluded.n, changed_at = excluded.changed_at
), by_domain AS (
    INSERT INTO campaigns_domaincount AS known (campaign_id, domain, what, n)
    SELECT campaign_id, domain, what, sum(n) FROM half
    WHERE what = ANY(%(happenings)s) AND domain <> ''
    GROUP BY campaign_id, domain, what HAVING sum(n) <> 0
    ON CONFLICT (campaign_id, domain, what) DO UPDATE SET n = known.n + excluded.n
)
SELECT count(*) FROM folded
"""  # noqa: S608 - constants above

_COUNTED = f"""
SELECT {_KEY}, what, sum(n)::bigint FROM (
    SELECT {_KEY}, what, n FROM campaigns_count WHERE {{condition}}
    UNION ALL
    SELECT {_KEY}, what, n FROM ({_HALVES.format(changes="campaigns_change")}) AS half
    WHERE {{condition}}
) AS counts
GROUP BY {_KEY}, what HAVING sum(n) <> 0
"""  # noqa: S608 - constants above

_BY_HOUR = f"""
SELECT hour, what, sum(n)::bigint FROM (
    SELECT campaign_id, hour, what, n FROM campaigns_hourlycount
    UNION ALL
    SELECT campaign_id, date_trunc('hour', at, 'UTC'), what, n
    FROM ({_HALVES.format(changes="campaigns_change")}) AS half WHERE at IS NOT NULL
) AS counts
WHERE campaign_id = %(campaign)s AND hour >= %(since)s AND what = ANY(%(happenings)s)
GROUP BY hour, what HAVING sum(n) <> 0 ORDER BY hour
"""  # noqa: S608 - constants above

_SENT = f"""
SELECT hour, campaign_id, account_id, sum(n)::bigint FROM (
    SELECT {_KEY}, hour, what, n FROM campaigns_hourlycount WHERE hour >= %(since)s
    UNION ALL
    SELECT {_KEY}, date_trunc('hour', at, 'UTC'), what, n
    FROM ({_HALVES.format(changes="campaigns_change")}) AS half WHERE at IS NOT NULL
) AS counts
WHERE what IN ('sent', 'in_doubt') AND hour >= %(since)s
    AND (campaign_id = %(campaign)s OR account_id = ANY(%(accounts)s))
GROUP BY hour, campaign_id, account_id HAVING sum(n) <> 0
"""  # noqa: S608 - constants above

_TOP_DOMAINS = """
SELECT domain, what, n FROM campaigns_domaincount
WHERE campaign_id = %(campaign)s AND domain IN (
    SELECT domain FROM campaigns_domaincount
    WHERE campaign_id = %(campaign)s AND what = 'sent' ORDER BY n DESC LIMIT %(limit)s
)
"""


class Counted(NamedTuple):
    """How many mails, or leads (step 0), of one kind are this or had it happen."""

    campaign_id: int | None
    step: int
    variant_id: int | None
    account_id: int | None
    what: str
    n: int


class SentInHour(NamedTuple):
    """How many mails of one campaign and account went, or maybe went, in one hour."""

    hour: datetime
    campaign_id: int | None
    account_id: int | None
    n: int


def fold() -> int:
    """Add the changes up and delete them; returns how many there were.

    Where another one folds just now this leaves it alone: a change is folded once.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended('campaigns.fold', 0))"
        )
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_FOLD, {"happenings": list(HAPPENINGS), "days": HOUR_DAYS})
        return int(cursor.fetchone()[0])


def counted(campaign_ids: Collection[int] | None = None) -> list[Counted]:
    """Give the counts of some campaigns, or of all mails there are."""
    condition = "true" if campaign_ids is None else "campaign_id = ANY(%(campaigns)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTED.format(condition=condition),
            {"campaigns": list(campaign_ids or ())},
        )
        return [Counted(*row) for row in cursor.fetchall()]


def counted_by_hour(
    campaign_id: int, since: datetime
) -> list[tuple[datetime, str, int]]:
    """Give what happened to a campaign's mails hour by hour; quiet hours are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BY_HOUR,
            {"campaign": campaign_id, "since": since, "happenings": list(HAPPENINGS)},
        )
        return [(hour, what, n) for hour, what, n in cursor.fetchall()]


def sent_by_hour(
    since: datetime, campaign_id: int, account_ids: Collection[int]
) -> list[SentInHour]:
    """Give what a campaign sent since then, and all that some accounts did."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SENT,
            {"since": since, "campaign": campaign_id, "accounts": list(account_ids)},
        )
        return [SentInHour(*row) for row in cursor.fetchall()]


def counted_by_domain(campaign_id: int, limit: int = 10) -> dict[str, dict[str, int]]:
    """Give the domains that a campaign wrote to most, as of the last fold."""
    with connection.cursor() as cursor:
        cursor.execute(_TOP_DOMAINS, {"campaign": campaign_id, "limit": limit})
        rows = cursor.fetchall()
    domains: dict[str, dict[str, int]] = {}
    for domain, what, n in rows:
        domains.setdefault(domain, {})[what] = n
    return dict(sorted(domains.items(), key=lambda item: -item[1].get("sent", 0)))


def let_go_of_hours() -> int:
    """Delete the hours that are no longer kept; their days stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM campaigns_hourlycount"
            " WHERE hour < date_trunc('day', clock_timestamp(), 'UTC')"
            " - make_interval(days => %s)",
            [HOUR_DAYS],
        )
        return int(cursor.rowcount)
