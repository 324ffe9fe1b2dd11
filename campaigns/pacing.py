"""How fast mail may go. Pure: no clock, no database."""

from __future__ import annotations

from typing import NamedTuple

#: Seconds by which a mail may come late without slowing down those after it. A minute
#: is planned longer by as much, so that no 60 seconds hold more than they may.
SLACK_SECONDS = 0.6


class Rate(NamedTuple):
    """A pace for `tasks.allotting`: a slot per interval, late ones may catch up."""

    interval_seconds: float
    slack_seconds: float = SLACK_SECONDS

    @property
    def at_once(self) -> int:
        """How many may be planned for one moment: they use up half of the slack."""
        return 1 + int(self.slack_seconds / 2 / self.interval_seconds)


def rate_of(per_minute: int) -> Rate:
    """Give the pace that never lets more than `per_minute` slots into any 60 seconds.

    The slot after those of a minute comes an interval more than a minute later, less the
    slack: 60 s. Whoever keeps to it sends 99 % of what is allowed.
    """
    if per_minute < 1:
        raise ValueError(f"per_minute is {per_minute}: an account sends at least 1.")
    return Rate((60 + SLACK_SECONDS) / per_minute)


def batches_of(ids: list[int], size: int) -> list[list[int]]:
    """Cut a list into pieces of at most `size`, in order."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]
