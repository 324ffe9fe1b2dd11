"""Know each origin's robots.txt: fetched when needed, kept as a row for a day.

The request for it is a `Fetch` row like any other, of its own purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.utils import timezone

from fliptech_site import outbound
from fliptech_site.addresses import AddressRefused, parse_target
from fliptech_site.retry_after import retry_after_seconds
from leads.fetch_keeping import begin_fetch, end_fetch
from leads.models import Fetch, Lead, RobotsFile, ScrapeJob
from leads.outcomes import Outcome
from leads.robots_rules import MAX_BYTES, RobotsRules, as_text, parse_robots

#: RFC 9309, section 2.4: not longer than 24 hours.
_KEEP = timedelta(hours=24)
#: An unreachable file is asked for again much sooner.
_KEEP_UNREACHABLE = timedelta(minutes=10)
_FOUND = RobotsFile.Standing.FOUND
_ABSENT = RobotsFile.Standing.ABSENT
_UNREACHABLE = RobotsFile.Standing.UNREACHABLE
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


def robots_for(
    url: str, *, job: ScrapeJob | None = None, lead: Lead | None = None
) -> Robots:
    """Give the robots.txt of a page's origin, asking for it when it's not known.

    The request is a `Fetch` row of this job and lead. Raises AddressRefused for an
    address that must not be asked at all.
    """
    origin = parse_target(url).origin
    known = RobotsFile.objects.filter(origin=origin).first()
    if known is None or known.expires_at <= timezone.now():
        known = _refresh(
            origin, _Request(urljoin(url, "/robots.txt"), job, lead), known
        )
    rules = parse_robots(known.body, agent=settings.CRAWLER_AGENT)
    return Robots(RobotsFile.Standing(known.standing), known.reason, rules)


def is_known(url: str) -> bool:
    """Say whether the robots.txt of a page's origin need not be asked for now."""
    return RobotsFile.objects.filter(
        origin=parse_target(url).origin, expires_at__gt=timezone.now()
    ).exists()


@dataclass(frozen=True)
class _Request:
    """The address of a robots.txt, and for whom it is asked."""

    url: str
    job: ScrapeJob | None
    lead: Lead | None


def _refresh(origin: str, request: _Request, known: RobotsFile | None) -> RobotsFile:
    now = timezone.now()
    fields = _ask(request, now)
    is_lost = fields["standing"] == RobotsFile.Standing.UNREACHABLE
    if is_lost and known and known.standing == RobotsFile.Standing.FOUND:
        # RFC 9309, section 2.4: an old copy may serve while the file is unreachable.
        fields = {"expires_at": fields["expires_at"]}
    row, _ = RobotsFile.objects.update_or_create(origin=origin, defaults=fields)
    return row


def _ask(request: _Request, now: datetime) -> dict[str, Any]:
    """Ask, and give the fields of a `RobotsFile`; the request has a row of its own."""
    row = begin_fetch(
        request.url,
        Fetch.Purpose.ROBOTS,
        host=parse_target(request.url).host_port,
        job=request.job,
        lead=request.lead,
    )
    answer: outbound.Response | None = None
    try:
        answer = outbound.get(
            request.url, limits=_LIMITS, headers={"Accept": "text/plain"}
        )
        meaning = _meaning(answer, now)
    except outbound.Unreachable as error:
        reason = f"robots.txt could not be read: {error}"
        meaning = _Meaning(Outcome.ERROR, reason, _UNREACHABLE)
    except outbound.TooManyRedirects:
        # RFC 9309, section 2.3.1.2: after five hops it counts as absent.
        meaning = _Meaning(Outcome.ERROR, "robots.txt only redirects.", _ABSENT)
    except AddressRefused as error:
        _end(row, None, _Meaning(Outcome.ERROR, str(error), _UNREACHABLE))
        raise
    _end(row, answer, meaning)
    return {
        "standing": meaning.standing,
        "status": answer.status if answer else None,
        "reason": meaning.reason if meaning.is_told else "",
        "body": meaning.body,
        "fetched_at": now,
        "expires_at": now + meaning.keep,
    }


def _end(row: Fetch, answer: outbound.Response | None, meaning: _Meaning) -> None:
    fields: dict[str, Any] = {"outcome": meaning.outcome, "reason": meaning.reason}
    redirects: tuple[str, ...] = ()
    if answer is not None:
        redirects = answer.redirected_from
        fields |= {
            "final_url": answer.url,
            "status": answer.status,
            "bytes": len(answer.body),
            "elapsed_ms": answer.elapsed_ms,
        }
    end_fetch(row, finished_at=timezone.now(), redirects=redirects, **fields)


@dataclass(frozen=True)
class _Meaning:
    """What an answer to the question for robots.txt says."""

    outcome: Outcome
    reason: str
    standing: RobotsFile.Standing
    body: str = ""
    #: How long an unreachable file is left alone; others are kept for a day.
    pause: timedelta = _KEEP_UNREACHABLE

    @property
    def keep(self) -> timedelta:
        """How long it holds."""
        return self.pause if self.standing == _UNREACHABLE else _KEEP

    @property
    def is_told(self) -> bool:
        """Whether a page that may not be fetched names this reason."""
        return self.standing == _UNREACHABLE or self.outcome == Outcome.ERROR


def _meaning(answer: outbound.Response, now: datetime) -> _Meaning:
    status = answer.status
    if status == 429:
        wait = retry_after_seconds(answer.headers.get("Retry-After"), now=now)
        pause = min(timedelta(seconds=wait or 60), _KEEP_UNREACHABLE)
        reason = "robots.txt was answered with 429 Too Many Requests."
        return _Meaning(Outcome.RATE_LIMITED, reason, _UNREACHABLE, pause=pause)
    if status >= 500 or status < 200:
        reason = f"robots.txt was answered with {status}."
        return _Meaning(Outcome.ERROR, reason, _UNREACHABLE)
    if status >= 300:
        # RFC 9309, section 2.3.1.3: what isn't there forbids nothing.
        reason = f"There is no robots.txt ({status}): it forbids nothing."
        return _Meaning(Outcome.EMPTY, reason, _ABSENT)
    body = _text(answer.body)
    if answer.is_truncated:
        reason = f"robots.txt is longer than the {MAX_BYTES} bytes that are read."
        return _Meaning(Outcome.PARTIAL, reason, _FOUND, body)
    if not body.strip():
        reason = "robots.txt is empty: it forbids nothing."
        return _Meaning(Outcome.EMPTY, reason, _FOUND, body)
    return _Meaning(Outcome.OK, "", _FOUND, body)


def _text(body: bytes) -> str:
    """Decode for keeping; a line that the size limit cut in two is left out."""
    if len(body) >= MAX_BYTES:
        body = body[: body.rfind(b"\n") + 1]
    return as_text(body).replace("\x00", "")
