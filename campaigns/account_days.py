"""An account's day: how much it sent, how much it may, when it works."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from campaigns.models import Account, Email
from campaigns.ramp_up import RampUp
from campaigns.working_hours import day_bounds, may_send_at

#: Days of a slow start that are shown; a longer one ends in the last.
_SHOWN_DAYS = 60


class Today(NamedTuple):
    """How an account stands at one moment, by its own clock."""

    now: datetime
    sent: int
    #: None is no limit.
    allowed: int | None
    #: When it may send next; not after `now` while it works.
    works_at: datetime

    @property
    def works(self) -> bool:
        """Whether these are working hours."""
        return self.works_at <= self.now

    @property
    def percent(self) -> int:
        """How much of the day's mails have gone, at most 100."""
        if not self.allowed:
            return 0
        return min(100, round(100 * self.sent / self.allowed))


class RampDay(NamedTuple):
    """One day of a slow start."""

    day: date
    allowed: int
    #: Of the most that any day allows.
    percent: int
    is_today: bool


def today_of(account: Account, now: datetime) -> Today:
    """Give how an account stands at `now` (aware); times are in its zone."""
    day = account.day_of(now)
    start, end = day_bounds(account.zone, day)
    sent = Email.objects.filter(account=account, sent_at__gte=start, sent_at__lt=end)
    sent = sent.exclude(kind=Email.Kind.TEST)  # A mail to oneself counts on no day.
    works_at = may_send_at(account.hours, now)
    return Today(
        now=now.astimezone(account.zone),
        sent=sent.count(),
        allowed=account.allowed_on(day),
        works_at=works_at.astimezone(account.zone),
    )


def ramp_days(ramp_up: RampUp, today: date) -> list[RampDay]:
    """Give the days of a slow start, from its first to its last or today."""
    last = max(ramp_up.ends or today, today, ramp_up.began)
    count = min((last - ramp_up.began).days + 1, _SHOWN_DAYS)
    days = [ramp_up.began + timedelta(days=number) for number in range(count)]
    most = max(ramp_up.allowed_on(day) for day in days)
    return [
        RampDay(
            day,
            ramp_up.allowed_on(day),
            round(100 * ramp_up.allowed_on(day) / most),
            day == today,
        )
        for day in days
    ]
