"""Record what comes back from a mail; each record also settles a mail in doubt."""

from __future__ import annotations

from django.db import connection

from campaigns.claiming import settle_doubt
from campaigns.models import Email, TrackingEvent

#: Events kept per mail and kind: a scanner that asks a thousand times adds no more.
MAX_EVENTS = 100

_RECORD = """
INSERT INTO campaigns_trackingevent (email_id, kind, url, user_agent, created_at)
SELECT email.id, %(kind)s, %(url)s, %(user_agent)s, now()
FROM campaigns_email AS email
WHERE email.id = %(email)s AND email.kind <> 'test' AND (
    SELECT count(*) FROM campaigns_trackingevent AS event
    WHERE event.email_id = email.id AND event.kind = %(kind)s
) < %(limit)s
"""

_EVIDENCE = {
    TrackingEvent.Kind.OPEN: "it was opened.",
    TrackingEvent.Kind.CLICK: "a link in it was clicked.",
    TrackingEvent.Kind.UNSUBSCRIBE: "its unsubscribe link was used.",
}


def record(
    email_id: int, kind: TrackingEvent.Kind, *, url: str = "", user_agent: str = ""
) -> None:
    """Keep an event of a mail; one of an unknown or a test mail is not kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "email": email_id,
                "kind": kind.value,
                "url": url[:2000],
                # PostgreSQL holds no NUL characters; nobody misses them here.
                "user_agent": user_agent.replace("\x00", "")[:300],
                "limit": MAX_EVENTS,
            },
        )
    if Email.objects.filter(pk=email_id, state="in_doubt").exists():
        settle_doubt(email_id, arrived=True, evidence=_EVIDENCE[kind])
