"""Put down to mails that their lead's demo site was watched.

A view belongs to the latest mail that had gone to the lead before it.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from demos.counting import watched_since

_NOTE = """
WITH noted AS (
    SELECT mail.id, min(watched.at) AS at
    FROM unnest(%s::bigint[], %s::timestamptz[]) AS watched(lead_id, at)
    CROSS JOIN LATERAL (
        SELECT id FROM campaigns_email
        WHERE lead_id = watched.lead_id AND kind <> 'test'
            AND state IN ('sent', 'in_doubt') AND claimed_at <= watched.at
        ORDER BY claimed_at DESC LIMIT 1
    ) AS mail
    GROUP BY mail.id
)
SELECT campaigns_react(noted.id, 'demo_viewed', least(known.at, noted.at))
FROM noted LEFT JOIN campaigns_reaction AS known
    ON known.email_id = noted.id AND known.what = 'demo_viewed'
"""


def note_watched_demos(days: int) -> int:
    """Look at the views of the last days; returns how many there were.

    Noting one again changes nothing.
    """
    views = watched_since(timezone.now() - timedelta(days=days))
    if views:
        with connection.cursor() as cursor:
            cursor.execute(
                _NOTE, [[lead for lead, _ in views], [at for _, at in views]]
            )
    return len(views)
