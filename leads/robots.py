"""Know each origin's robots.txt: fetched when needed, kept as a row for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.utils import timezone

from fliptech_site import outbound
from fliptech_site.addresses import parse_target
from fliptech_site.retry_after import retry_after_seconds
from leads.models import RobotsFile
from leads.robots_rules import MAX_BYTES, RobotsRules, as_text, parse_robots

#: RFC 9309, section 2.4: not longer than 24 hours.
_KEEP = timedelta(hours=24)
#: An unreachable file is asked for again much sooner.
_KEEP_UNREACHABLE = timedelta(minutes=10)
_LIMITS = outbound.Limits(bytes=MAX_BYTES, seconds=15.0, redirects=5)


@dataclass(frozen=True)
class Robots:
    """What an origin's robots.txt means for us just now."""

    standing: RobotsFile.Standing
    reason: str
    rules: RobotsRules

    def allows(self, url: str) -> bool:
        """Say whether the page may be fetched."""
        if self.standing == RobotsFile.Standing.UNREACHABLE:
            return False
        return self.rules.allows(url)


def robots_for(url: str) -> Robots:
    """Give the robots.txt of a page's origin, asking for it when it's not known.

    Raises AddressRefused for an address that must not be asked at all.
    """
    origin = parse_target(url).origin
    known = RobotsFile.objects.filter(origin=origin).first()
    if known is None or known.expires_at <= timezone.now():
        known = _refresh(origin, url, known)
    rules = parse_robots(known.body, agent=settings.CRAWLER_AGENT)
    return Robots(RobotsFile.Standing(known.standing), known.reason, rules)


def is_known(url: str) -> bool:
    """Say whether the robots.txt of a page's origin need not be asked for now."""
    return RobotsFile.objects.filter(
        origin=parse_target(url).origin, expires_at__gt=timezone.now()
    ).exists()


def _refresh(origin: str, url: str, known: RobotsFile | None) -> RobotsFile:
    now = timezone.now()
    fields = _ask(urljoin(url, "/robots.txt"), now)
    is_lost = fields["standing"] == RobotsFile.Standing.UNREACHABLE
    if is_lost and known and known.standing == RobotsFile.Standing.FOUND:
        # RFC 9309, section 2.4: an old copy may serve while the file is unreachable.
        fields = {"expires_at": fields["expires_at"]}
    row, _ = RobotsFile.objects.update_or_create(origin=origin, defaults=fields)
    return row


def _ask(url: str, now: datetime) -> dict[str, object]:
    standing, status, reason, body = RobotsFile.Standing.UNREACHABLE, None, "", ""
    keep = _KEEP_UNREACHABLE
    try:
        answer = outbound.get(url, limits=_LIMITS, headers={"Accept": "text/plain"})
    except outbound.Unreachable as error:
        reason = f"robots.txt could not be read: {error}"
    except outbound.TooManyRedirects:
        # RFC 9309, section 2.3.1.2: after five hops it counts as absent.
        standing, reason = RobotsFile.Standing.ABSENT, "robots.txt only redirects."
    else:
        status = answer.status
        if status == 429:
            reason = "robots.txt was answered with 429 Too Many Requests."
            wait = retry_after_seconds(answer.headers.get("Retry-After"), now=now)
            keep = min(timedelta(seconds=wait or 60), _KEEP_UNREACHABLE)
        elif status >= 500 or status < 200:
            reason = f"robots.txt was answered with {status}."
        elif status >= 300:
            standing = RobotsFile.Standing.ABSENT
        else:
            standing, body = RobotsFile.Standing.FOUND, _text(answer.body)
    if standing != RobotsFile.Standing.UNREACHABLE:
        keep = _KEEP
    return {
        "standing": standing,
        "status": status,
        "reason": reason,
        "body": body,
        "fetched_at": now,
        "expires_at": now + keep,
    }


def _text(body: bytes) -> str:
    """Decode for keeping; a line that the size limit cut in two is left out."""
    if len(body) >= MAX_BYTES:
        body = body[: body.rfind(b"\n") + 1]
    return as_text(body).replace("\x00", "")
