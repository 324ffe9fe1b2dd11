"""How far a campaign comes today, and how many days it takes at this pace. Pure.

An estimate from the limits that are known beforehand: caps, ramp-ups, paces, gaps and
working hours. What a server refuses or a person changes comes on top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from campaigns.ramp_up import smallest
from campaigns.working_hours import Hours, day_bounds

#: Days that are looked ahead; what takes longer takes "more than a year".
HORIZON = 366

_MIDNIGHT = time(0)


class Sender(NamedTuple):
    """One account of a campaign: what it has to send and how fast it may."""

    left: int
    hours: Hours
    per_minute: int
    gap_seconds: int
    #: Mails of all campaigns that it sent on its day so far.
    sent_today: int
    #: Its cap and its slow start on a day; None is no limit.
    allowed_on: Callable[[date], int | None]


class Forecast(NamedTuple):
    """What is to be expected of a campaign."""

    #: Mails that can still go today.
    today: int
    #: Days until all are sent, today included; None when it takes more than a year.
    days: int | None


def forecast(
    senders: Sequence[Sender], now: datetime, *, per_day: int | None, sent_today: int
) -> Forecast:
    """Go through the days until nothing is left.

    `per_day` is the campaign's own cap and `sent_today` what it has used of that.
    """
    left = [sender.left for sender in senders]
    today = 0
    if not any(left):
        return Forecast(0, 0)
    for number in range(HORIZON):
        room = None if per_day is None else per_day - (0 if number else sent_today)
        gone = 0
        for index, sender in enumerate(senders):
            most = smallest(left[index], _most_on(sender, number, now), room)
            assert most is not None
            most = max(0, most)
            left[index] -= most
            gone += most
            room = None if room is None else room - most
        if number == 0:
            today = gone
        if not any(left):
            return Forecast(today, number + 1)
    return Forecast(today, None)


def seconds_of_work(hours: Hours, day: date, since: datetime | None = None) -> float:
    """Give the seconds that an account works on a day, from `since` (aware) on."""
    if day.isoweekday() not in hours.days:
        return 0.0
    start, end = day_bounds(hours.zone, day)
    opens = datetime.combine(day, hours.start, tzinfo=hours.zone)
    closes = (
        end
        if hours.end == _MIDNIGHT
        else datetime.combine(day, hours.end, tzinfo=hours.zone)
    )
    # As instants: on the two days a year on which the clock jumps a wall clock lies.
    begin = max(start.timestamp(), opens.timestamp(), since.timestamp() if since else 0)
    return max(0.0, min(end.timestamp(), closes.timestamp()) - begin)


def _most_on(sender: Sender, number: int, now: datetime) -> int:
    day = now.astimezone(sender.hours.zone).date() + timedelta(days=number)
    seconds = seconds_of_work(sender.hours, day, None if number else now)
    seconds_per_mail = max(60 / sender.per_minute, float(sender.gap_seconds))
    by_pace = int(seconds / seconds_per_mail) + (seconds > 0)
    allowed = sender.allowed_on(day)
    if allowed is not None and number == 0:
        allowed -= sender.sent_today
    most = smallest(by_pace, allowed)
    assert most is not None
    return max(0, most)
