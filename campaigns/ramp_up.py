"""A slow start: how many mails a young account sends on which day. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple


class RampUp(NamedTuple):
    """Mails a day: `start` on the first, `step` more with each, until `ceiling`."""

    began: date
    start: int
    step: int
    ceiling: int

    def allowed_on(self, day: date) -> int:
        """Give how many mails may go on `day`; before the first day as on it."""
        days = max(0, (day - self.began).days)
        return min(self.ceiling, self.start + days * self.step)

    @property
    def ends(self) -> date | None:
        """The first day at the ceiling; None when it is never reached."""
        missing = self.ceiling - self.start
        if missing <= 0:
            return self.began
        if not self.step:
            return None
        return self.began + timedelta(days=-(-missing // self.step))


def smallest(*limits: int | None) -> int | None:
    """Give the smallest of the limits that there are; None when there is none."""
    return min((limit for limit in limits if limit is not None), default=None)
