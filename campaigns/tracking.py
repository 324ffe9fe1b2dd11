"""Record what comes back from a mail, told apart by whom; people's settle a mail in doubt.

A mail's requests are judged one after the other: two that come at once see each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from campaigns.incoming.visits import (
    BURST_SECONDS,
    TRAP_SECONDS,
    Verdict,
    Visit,
    judge,
    network_of,
)
from campaigns.models import Email, TrackingEvent
from campaigns.receiving.evidence import settle_by

#: Requests counted per row: after that a scanner that goes on writes nothing.
MAX_HITS = 1_000

_Kind = TrackingEvent.Kind

_COUNT_UP = """
INSERT INTO campaigns_trackingevent AS event
    (email_id, kind, url, target, is_human, reason, user_agent, network, hits,
     created_at, last_at)
VALUES (%(email)s, %(kind)s, %(url)s, %(target)s, %(is_human)s, %(reason)s,
    %(user_agent)s, %(network)s, 1, %(now)s, %(now)s)
ON CONFLICT (email_id, kind, target, is_human)
DO UPDATE SET hits = event.hits + 1, last_at = excluded.last_at
WHERE event.hits < %(limit)s
"""
#: What was taken for a person's and turns out to be the machine's that came just now.
_TAKE_BACK = """
WITH doubtful AS (
    SELECT id, kind, target FROM campaigns_trackingevent
    WHERE email_id = %(email)s AND is_human AND kind = ANY(%(kinds)s)
        AND created_at >= %(since)s
), known AS (
    DELETE FROM campaigns_trackingevent AS event USING doubtful, campaigns_trackingevent AS twin
    WHERE event.id = doubtful.id AND twin.email_id = %(email)s AND NOT twin.is_human
        AND twin.kind = doubtful.kind AND twin.target = doubtful.target
    RETURNING event.id
)
UPDATE campaigns_trackingevent SET is_human = false, reason = %(reason)s
WHERE id IN (SELECT id FROM doubtful) AND id NOT IN (SELECT id FROM known)
"""

_EVIDENCE = {
    _Kind.OPEN: "it was opened.",
    _Kind.CLICK: "a link in it was clicked.",
    _Kind.UNSUBSCRIBE: "its unsubscribe link was used.",
}


class Asked(NamedTuple):
    """What a request says of who asks."""

    method: str
    headers: Mapping[str, str]
    address: str = ""


def record(
    email_id: int,
    kind: TrackingEvent.Kind,
    asked: Asked,
    *,
    url: str = "",
    at: datetime | None = None,
) -> None:
    """Judge a request and count it; one of an unknown or a test mail is not kept.

    `at` is when somebody else saw it; by default it is now.
    """
    target = hashlib.sha256(url.encode()).hexdigest()[:32] if url else ""
    events = TrackingEvent.objects.filter(email=email_id, kind=kind, target=target)
    if events.filter(hits__gte=MAX_HITS).exists():
        return
    with transaction.atomic():
        _wait_for_others(email_id)
        email = Email.objects.exclude(kind=Email.Kind.TEST).filter(pk=email_id).first()
        if email is None:
            return
        now = min(at or timezone.now(), timezone.now())
        verdict = _judge(email, kind, asked, target, now)
        _take_back(email, kind, verdict, now)
        _count_up(email, kind, asked, verdict, url=url, target=target, now=now)
        if verdict.is_human:
            settle_by(email.pk, kind.value, _EVIDENCE[kind], at=now)


def _judge(
    email: Email, kind: TrackingEvent.Kind, asked: Asked, target: str, now: datetime
) -> Verdict:
    if kind == _Kind.TRAP:
        return Verdict(False, "it followed the hidden link")
    if kind == _Kind.UNSUBSCRIBE:
        # Only a POST comes here: from a person, or from a person's mail program.
        return Verdict(True, "it was posted")
    sent_at = email.sent_at or email.data_started_at
    seen = list(
        email.events.values_list("kind", "target", "last_at").filter(
            kind__in=[_Kind.CLICK, _Kind.TRAP]
        )
    )
    others = {
        other
        for each, other, at in seen
        if each == _Kind.CLICK
        and other != target
        and (now - at).total_seconds() < BURST_SECONDS
    }
    return judge(
        Visit(
            kind=kind.value,
            method=asked.method,
            headers=asked.headers,
            address=asked.address,
            age=(now - sent_at).total_seconds() if sent_at else None,
            links_just_now=len(others) if kind == _Kind.CLICK else 0,
            is_trapped=any(
                each == _Kind.TRAP and (now - at).total_seconds() < TRAP_SECONDS
                for each, _, at in seen
            ),
        ),
        settings.SCANNER_NETWORKS,
    )


def _take_back(
    email: Email, kind: TrackingEvent.Kind, verdict: Verdict, now: datetime
) -> None:
    """Call what came just before a machine's, too, where this request gives it away."""
    if kind == _Kind.TRAP:
        kinds, seconds = [_Kind.OPEN, _Kind.CLICK], TRAP_SECONDS
    elif kind == _Kind.CLICK and "several links" in verdict.reason:
        kinds, seconds = [_Kind.CLICK], BURST_SECONDS
    else:
        return
    since = datetime.fromtimestamp(now.timestamp() - seconds, now.tzinfo)
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE_BACK,
            {
                "email": email.pk,
                "kinds": [each.value for each in kinds],
                "since": since,
                "reason": verdict.reason,
            },
        )


def _count_up(
    email: Email,
    kind: TrackingEvent.Kind,
    asked: Asked,
    verdict: Verdict,
    *,
    url: str,
    target: str,
    now: datetime,
) -> None:
    agent = asked.headers.get("User-Agent", "")
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT_UP,
            {
                "email": email.pk,
                "kind": kind.value,
                "url": url[:2000],
                "target": target,
                "is_human": verdict.is_human,
                "reason": verdict.reason[:100],
                # PostgreSQL holds no NUL characters; nobody misses them here.
                "user_agent": agent.replace("\x00", "")[:300],
                "network": network_of(asked.address),
                "now": now,
                "limit": MAX_HITS,
            },
        )


def _wait_for_others(email_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"campaigns.tracking:{email_id}"],
        )
