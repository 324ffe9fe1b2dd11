"""When a campaign may write to somebody: days and hours by the recipient's own clock. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from campaigns.working_hours import Hours, may_send_at
from fliptech_site.errors import InvalidInput

_KEYS = {"days", "from", "until"}
_SHAPE = (
    'A window is {"days": "12345", "from": "09:00", "until": "17:00"}: days from 1'
    " (Monday) to 7, hours in which it begins before it ends; until 00:00 is midnight."
)


class Window(NamedTuple):
    """Weekdays and hours, in no zone yet."""

    #: ISO weekdays, 1 is Monday.
    days: frozenset[int]
    start: time
    #: The first moment after it; midnight is the end of the day.
    end: time


def read_windows(values: Any) -> list[Window]:
    """Read the windows of a campaign as they are stored. Raises InvalidInput."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise InvalidInput(f"Send windows are a list. {_SHAPE}")
    return [_read(value) for value in values]


def next_moment(windows: Sequence[Window], zone: ZoneInfo, now: datetime) -> datetime:
    """Give the first moment from `now` (aware) on that lies in a window, in UTC.

    Without windows that is `now`. Hours that spring leaves out begin when the clock has
    jumped; those that autumn repeats count both times.
    """
    return min(
        (may_send_at(Hours(zone, *window), now) for window in windows), default=now
    )


def from_hour(
    windows: Sequence[Window], hour: int | None, zone: ZoneInfo, now: datetime
) -> datetime:
    """Give the first moment in a window at or after this hour of its day.

    Where no window reaches so late, the hour gives way to the windows.
    """
    if hour is None:
        return next_moment(windows, zone, now)
    start = time(hour)
    every_day = Window(frozenset(range(1, 8)), time(0), time(0))
    late = [
        Window(window.days, max(window.start, start), window.end)
        for window in windows or [every_day]
        if window.end == time(0) or start < window.end
    ]
    return next_moment(late or windows, zone, now)


def _read(value: Any) -> Window:
    if not isinstance(value, Mapping) or set(value) != _KEYS:
        raise InvalidInput(_SHAPE)
    days = str(value["days"])
    if not days or set(days) - set("1234567"):
        raise InvalidInput(_SHAPE)
    try:
        start, end = (time.fromisoformat(str(value[key])) for key in ("from", "until"))
    except ValueError:
        raise InvalidInput(_SHAPE) from None
    if start.tzinfo or end.tzinfo or (end != time(0) and start >= end):
        raise InvalidInput(_SHAPE)
    return Window(frozenset(map(int, days)), start, end)


_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LINE = re.compile(
    r"(?P<days>[a-z, -]+?)\s+(?P<start>\d{1,2}:\d\d)\s*[-–]\s*(?P<end>\d{1,2}:\d\d)",
    re.IGNORECASE,
)


def parse_windows(text: str) -> list[dict[str, str]]:
    """Read windows as people write them, one a line: "Mon-Fri 09:00-17:00".

    Gives them as they are stored. Raises InvalidInput.
    """
    return [_parse_line(line.strip()) for line in text.splitlines() if line.strip()]


def write_windows(values: Sequence[Mapping[str, str]]) -> str:
    """Write stored windows as people read them, one a line."""
    return "\n".join(
        f"{_write_days(value['days'])} {value['from']}-{value['until']}"
        for value in values
    )


def _write_days(days: str) -> str:
    # Days in a row have one difference between their number and their place.
    numbers = enumerate(map(int, days))
    parts = []
    for _, run in groupby(numbers, key=lambda pair: pair[1] - pair[0]):
        names = [_DAY_NAMES[day - 1] for _, day in run]
        is_long = len(names) > 2
        parts.append(f"{names[0]}-{names[-1]}" if is_long else ",".join(names))
    return ",".join(parts)


def _parse_line(line: str) -> dict[str, str]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise InvalidInput(f"{line!r} is no window: write Mon-Fri 09:00-17:00.")
    days: set[int] = set()
    for part in found["days"].split(","):
        first, dash, last = (name.strip() for name in part.partition("-"))
        start, end = _day(first, line), _day(last if dash else first, line)
        # "Sat-Mon" goes round the end of the week.
        days |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    value = {
        "days": "".join(str(day + 1) for day in sorted(days)),
        "from": found["start"].zfill(5),
        "until": found["end"].zfill(5).replace("24:00", "00:00"),
    }
    try:
        _read(value)
    except InvalidInput:
        raise InvalidInput(
            f"{line!r} is no window: it begins before it ends."
        ) from None
    return value


def _day(name: str, line: str) -> int:
    for number, known in enumerate(_DAY_NAMES):
        if name[:3].title() == known:
            return number
    raise InvalidInput(f"{name!r} in {line!r} is no day: use {', '.join(_DAY_NAMES)}.")
