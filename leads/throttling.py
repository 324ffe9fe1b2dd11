"""Ask one host no faster than it likes, counted over all workers together.

The pace follows the host: a slow answer or a failure makes it slower for everybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fliptech_site.errors import RateLimited
from leads.models import HostPace, HostPause
from leads.pacing_rules import Pace, after_answer, after_failure
from tasks.limits import take

#: Seconds a host is left alone after a refusal that names no time; doubled each time.
_FIRST_PAUSE = 30.0
_LONGEST_PAUSE = 24 * 3600.0
#: Refusals in a row after which a host is taken to refuse us altogether.
MAX_STRIKES = 5
#: Sleeps are cut into pieces, because a time limit or a stop of the worker can only
#: interrupt between two of them.
_NAP_SECONDS = 0.5
_PACE_FIELDS = ("delay_seconds", "latency_seconds", "failures")


class Patience:
    """How many seconds one task may spend on waiting for its turns."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def sleep(self, seconds: float, *, reason: str) -> None:
        """Wait, or raise RateLimited when the patience doesn't reach that far."""
        until = time.monotonic() + seconds
        if until > self._ends_at:
            raise RateLimited(reason, retry_after=max(seconds, 1.0))
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _NAP_SECONDS))


def wait_for_turn(host: str, delay_seconds: float | None, patience: Patience) -> None:
    """Return when this host may be asked: after its pause and its delay.

    `delay_seconds` None means the setting FETCH_DELAY_MS; a host that has become slow
    or fails gets a longer one. Raises RateLimited when that takes longer than the
    patience.
    """
    if delay_seconds is None:
        delay_seconds = usual_delay()
    pause = HostPause.objects.filter(host=host, until__gt=timezone.now()).first()
    if pause is not None:
        left = (pause.until - timezone.now()).total_seconds()
        patience.sleep(max(left, 0.0), reason=pause.reason)
    # `take` takes nothing while it says "wait": a task that gives up and comes back
    # later doesn't push the next free slot away from itself.
    delay_seconds = max(delay_seconds, pace_of(host).delay_seconds)
    while wait := take(f"fetch:{host}", interval_seconds=delay_seconds):
        reason = f"{host} asks for {delay_seconds:g} seconds between two requests."
        patience.sleep(wait, reason=reason)


def usual_delay() -> float:
    """Give the seconds between two requests to a host that names no delay."""
    return float(settings.FETCH_DELAY_MS) / 1000


def pace_of(host: str) -> Pace:
    """Give what is remembered of how a host answers."""
    row = HostPace.objects.filter(host=host).values(*_PACE_FIELDS).first()
    return Pace(**row) if row else Pace()


def note_answer(host: str, latency: float) -> None:
    """Remember that a host answered after so many seconds."""
    _change_pace(host, lambda pace: after_answer(pace, latency))


def note_failure(host: str) -> None:
    """Remember that a host failed: refused, broke or kept us waiting."""
    _change_pace(host, lambda pace: after_failure(pace, usual_delay=usual_delay()))


def _change_pace(host: str, change: Callable[[Pace], Pace]) -> None:
    with transaction.atomic():
        # The row is locked, so that no worker's observation is lost.
        HostPace.objects.get_or_create(host=host)
        row = HostPace.objects.select_for_update(no_key=True).get(host=host)
        changed = change(Pace(**{name: getattr(row, name) for name in _PACE_FIELDS}))
        for name in _PACE_FIELDS:
            setattr(row, name, getattr(changed, name))
        row.save()


def pause_host(host: str, *, seconds: float | None, reason: str) -> HostPause:
    """Leave a host alone for so long; None means longer after every refusal."""
    row, is_new = HostPause.objects.get_or_create(
        host=host, defaults={"until": timezone.now(), "reason": reason}
    )
    if not is_new:
        HostPause.objects.filter(pk=row.pk).update(strikes=F("strikes") + 1)
        row.refresh_from_db()
    row.until = _pause_end(timezone.now(), seconds, row.strikes)
    row.reason = reason
    row.save(update_fields=["until", "reason", "updated_at"])
    return row


def _pause_end(now: datetime, seconds: float | None, strikes: int) -> datetime:
    if seconds is None:
        seconds = _FIRST_PAUSE * 2.0 ** min(strikes - 1, 10)
    return now + timedelta(seconds=min(seconds, _LONGEST_PAUSE))


def forget_refusals(host: str) -> None:
    """Note that a host answers again."""
    HostPause.objects.filter(host=host, strikes__gt=0).update(strikes=0)
