"""Cron expressions: the times they name, by cron's own rules, and what they say in words.

Five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday).
Each is a list of `*`, numbers, names, ranges and steps. When both days are restricted,
either of them is enough (crontab(5): cron's OR rule; APScheduler's own reading is AND); a
field that starts with `*` restricts nothing in that sense. Of wall times that a change of
daylight saving leaves out there is no run, and of those that come twice only the first, unless
the expression names every hour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

import cron_descriptor
from apscheduler.triggers.cron import CronTrigger

from fliptech_site.errors import InvalidInput

_MONTHS = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
#: Name, lowest and highest number, and names of the values.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day", 1, 31, {}),
    ("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)}),
    ("day_of_week", 0, 7, {name: n for n, name in enumerate(_DAYS)}),
)
_SHORTCUTS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_ITEM = re.compile(
    r"(?:(?P<all>\*)|(?P<first>[a-z0-9]{1,3})(?:-(?P<last>[a-z0-9]{1,3}))?)"
    r"(?:/(?P<step>[0-9]{1,2}))?"
)
#: Longer texts are refused before they are read.
_LONGEST = 100
#: Wall times passed over at one look: a zone leaves out or repeats no more minutes.
_PASSED_OVER = 2 * 24 * 60


@dataclass(frozen=True, slots=True)
class _Times:
    """One expression, as triggers that walk through wall times as if they were UTC."""

    triggers: tuple[CronTrigger, ...]
    is_every_hour: bool

    def after(self, wall: datetime) -> datetime | None:
        start = wall.replace(tzinfo=UTC) + timedelta(microseconds=1)
        found = [
            moment
            for trigger in self.triggers
            if (moment := trigger.get_next_fire_time(None, start)) is not None
        ]
        return min(found).replace(tzinfo=None) if found else None


def _next_by_present_offset(
    times: _Times, zone: ZoneInfo, after: datetime
) -> datetime | None:
    """Return the next match as if the clocks were not moved; None if that is no match."""
    local = after.astimezone(zone)
    offset = local.utcoffset()
    wall = times.after(local.replace(tzinfo=None))
    if wall is None or offset is None:
        return None
    moment = (wall - offset).replace(tzinfo=UTC)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    is_match = times.after(shown - timedelta(minutes=1)) == shown
    return moment if is_match else None


def _next_by_the_wall(
    times: _Times, zone: ZoneInfo, after: datetime
) -> datetime | None:
    """Return the next match as the wall clock shows it, each wall time once."""
    wall: datetime | None = after.astimezone(zone).replace(tzinfo=None, fold=0)
    for _ in range(_PASSED_OVER):
        wall = times.after(wall) if wall else None
        if wall is None:
            break
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        exists = moment.astimezone(zone).replace(tzinfo=None) == wall
        if exists and moment > after:
            return moment
    return None


def next_run(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the first time of `cron` strictly after `after` (aware), in UTC.

    Raises InvalidInput for an expression or a time zone that can't be read, or an
    expression that has no time at all (30 February).
    """
    zone, times = _zone(timezone), _times(cron)
    found = [_next_by_the_wall(times, zone, after)]
    if times.is_every_hour:
        # As cron does it: what runs in every hour runs in a repeated one too, since a
        # mail that is due every minute must not wait for an hour in autumn.
        found.append(_next_by_present_offset(times, zone, after))
    moments = [moment for moment in found if moment is not None]
    if not moments:
        raise InvalidInput(f"{cron!r} has no time at which it would run.")
    return min(moments)


def next_runs(cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """Yield the times of `cron` after `after`, one by one; raises as `next_run` does."""
    while True:
        after = next_run(cron, timezone, after)
        yield after


def preview(cron: str, timezone: str, after: datetime, count: int = 5) -> list[str]:
    """Return the next runs as people of that time zone read them."""
    zone = _zone(timezone)
    runs = islice(next_runs(cron, timezone, after), count)
    return [run.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z") for run in runs]


def in_words(cron: str) -> str:
    """Say the expression in English; raises InvalidInput when it can't be read."""
    _times(cron)
    options = cron_descriptor.Options()
    options.use_24hour_time_format = True
    descriptor = cron_descriptor.ExpressionDescriptor(_plain(cron), options)
    words: str = descriptor.get_full_description()
    return words


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            f"There is no time zone {name!r}: use a name such as Europe/Berlin."
        ) from None


def _plain(cron: str) -> str:
    text = cron.strip().lower()
    return _SHORTCUTS.get(text, text)


@lru_cache(maxsize=256)
def _times(cron: str) -> _Times:
    fields = _plain(cron).split() if len(cron) <= _LONGEST else []
    if len(fields) != 5:
        raise InvalidInput(
            f"{cron[:_LONGEST]!r} is not a cron expression of five fields, such as"
            " `30 9 * * 1-5`."
        )
    values = {
        name: _values(cron, text, low, high, names)
        for text, (name, low, high, names) in zip(fields, _FIELDS, strict=True)
    }
    # Weekdays by name: APScheduler counts Monday as 0, cron Sunday.
    texts = {name: ",".join(map(str, sorted(found))) for name, found in values.items()}
    weekdays = sorted({day % 7 for day in values["day_of_week"]})
    texts["day_of_week"] = ",".join(_DAYS[day] for day in weekdays)
    is_every_hour = len(values["hour"]) == 24
    if fields[2].startswith("*") or fields[4].startswith("*"):
        return _Times((CronTrigger(timezone=UTC, **texts),), is_every_hour)
    return _Times(
        (
            CronTrigger(timezone=UTC, **(texts | {"day": "*"})),
            CronTrigger(timezone=UTC, **(texts | {"day_of_week": "*"})),
        ),
        is_every_hour,
    )


def _values(
    cron: str, text: str, low: int, high: int, names: dict[str, int]
) -> set[int]:
    """Return the numbers that one field names: never more than it can have."""
    found: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise _refused(cron, item)
        step = int(match["step"] or 1)
        if match["all"]:
            # 7 is another name of Sunday, not an eighth day.
            first, last = low, min(high, 6) if "sun" in names else high
        else:
            first = _number(cron, item, match["first"], names)
            last = _number(cron, item, match["last"], names) if match["last"] else first
            if match["step"] and not match["last"]:
                last = min(high, 6) if "sun" in names else high
        if not (low <= first <= last <= high) or step < 1:
            raise _refused(cron, item)
        found.update(range(first, last + 1, step))
    return found


def _number(cron: str, item: str, text: str, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isascii() or not text.isdigit():
        raise _refused(cron, item)
    return int(text)


def _refused(cron: str, item: str) -> InvalidInput:
    return InvalidInput(
        f"{cron!r} is not a cron expression of five fields: {item!r} is out of range or"
        " can't be read."
    )
