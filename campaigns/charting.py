"""Bars of what happened hour by hour or day by day, as a picture draws them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from campaigns.counting import counted_by_hour
from campaigns.models.counts import What
from campaigns.states import EmailState

#: What is drawn, and in which colour: legible on light and on dark ground.
SERIES = (
    (EmailState.SENT.value, "sent", "#2563eb"),
    (What.OPENED.value, "opened", "#0d9488"),
    (What.CLICKED.value, "clicked", "#d97706"),
    (What.REPLIED.value, "replied", "#16a34a"),
)
_HOURS = 48
_DAYS = 30
_HIGH = 20


@dataclass(frozen=True, slots=True)
class Bar:
    """One number, and its bar in a picture that is 100 wide and 20 high."""

    label: str
    count: int
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Row:
    """One series over time, in a scale of its own."""

    name: str
    colour: str
    total: int
    most: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Chart:
    """What happened to a campaign's mails over time."""

    by: str
    first: str
    last: str
    rows: list[Row]

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in this time."""
        return not any(row.total for row in self.rows)


def chart(campaign_id: int, by: str, now: datetime) -> Chart:
    """Draw the last 48 hours, or with `by` "day" the last 30 days (UTC)."""
    now = now.astimezone(UTC)
    if by == "day":
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        times = [start - timedelta(days=back) for back in reversed(range(_DAYS))]
        form = "%d %b"
    else:
        by = "hour"
        start = now.replace(minute=0, second=0, microsecond=0)
        times = [start - timedelta(hours=back) for back in reversed(range(_HOURS))]
        form = "%d %b %H:00"
    found = counted_by_hour(campaign_id, times[0])
    return Chart(
        by,
        times[0].strftime(form),
        times[-1].strftime(form),
        _rows(found, times, form, by),
    )


def _rows(
    found: Iterable[tuple[datetime, str, int]],
    times: list[datetime],
    form: str,
    by: str,
) -> list[Row]:
    counts: dict[tuple[str, datetime], int] = defaultdict(int)
    for hour, what, n in found:
        at = hour.astimezone(UTC)
        counts[what, at.replace(hour=0) if by == "day" else at] += n
    rows = []
    step = 100 / len(times)
    for what, name, colour in SERIES:
        numbers = [max(0, counts[what, at]) for at in times]
        most = max(numbers)
        bars = [
            Bar(
                at.strftime(form),
                n,
                index * step,
                step * 0.8,
                _HIGH - _HIGH * n / most,
                _HIGH * n / most,
            )
            for index, (at, n) in enumerate(zip(times, numbers, strict=True))
            if n
        ]
        rows.append(Row(name, colour, sum(numbers), most, bars))
    return rows
