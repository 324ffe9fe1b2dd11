"""When an account works: days and hours by the clock of its own place. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError

_DAY = timedelta(days=1)
#: Days that are looked through: a week, and one more for each end.
_HORIZON = 9


class Hours(NamedTuple):
    """Days and hours as a wall clock in `zone` shows them."""

    zone: ZoneInfo
    #: ISO weekdays, 1 is Monday; at least one.
    days: frozenset[int]
    #: The first moment of a day's work.
    start: time
    #: The first moment after it; midnight is the end of the day.
    end: time

    def hold(self, moment: datetime) -> bool:
        """Say whether it works at `moment` (aware)."""
        local = moment.astimezone(self.zone)
        if local.isoweekday() not in self.days or local.time() < self.start:
            return False
        return self.end == time(0) or local.time() < self.end


def may_send_at(hours: Hours, moment: datetime) -> datetime:
    """Give the first moment from `moment` (aware) on at which it works, in UTC.

    Where the clock jumps it is right, too: hours that spring leaves out begin when the
    clock has jumped, and those that autumn repeats count both times. Raises ValueError
    for hours that no day has.
    """
    moment = moment.astimezone(UTC)
    if hours.hold(moment):
        return moment
    today = moment.astimezone(hours.zone).date()
    for offset in range(_HORIZON):
        openings = _openings(hours, today + offset * _DAY)
        if later := [at for at in openings if at > moment and hours.hold(at)]:
            return min(later)
    raise ValueError(f"No day has the working hours {hours}: correct them.")


def day_bounds(zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """Give the first moment of a day in `zone` and the first one after it, in UTC."""
    return _instant(zone, day, time(0)), _instant(zone, day + _DAY, time(0))


def check_time_zone(name: str) -> None:
    """Refuse what isn't a time zone's IANA name. Raises ValidationError."""
    if name not in available_timezones():
        raise ValidationError(
            f"{name!r} is no time zone: write an IANA name such as Europe/Berlin."
        )


def _openings(hours: Hours, day: date) -> Iterator[datetime]:
    """Give the moments of a day at which closed can turn into open."""
    for fold in (0, 1):
        yield _instant(hours.zone, day, hours.start, fold)
    jump = _jump(hours.zone, day)
    if jump is not None:
        yield jump


def _instant(zone: ZoneInfo, day: date, wall: time, fold: int = 0) -> datetime:
    local = datetime.combine(day, wall, tzinfo=zone)
    return local.replace(fold=fold).astimezone(UTC)


def _jump(zone: ZoneInfo, day: date) -> datetime | None:
    """Give the moment of a day at which its clock is put forward or back."""
    before, after = day_bounds(zone, day)
    old = before.astimezone(zone).utcoffset()
    if old == after.astimezone(zone).utcoffset():
        return None
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
