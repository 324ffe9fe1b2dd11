"""When a mail of a campaign may go: its windows in the clock of whoever reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from campaigns.models import Campaign, Email
from campaigns.windows import from_hour, next_moment, read_windows


def first_moment(email: Email, now: datetime) -> datetime:
    """Give the first moment from `now` on at which a window of its campaign is open."""
    campaign = email.campaign
    if campaign is None or not campaign.send_windows:
        return now
    name = email.recipient.time_zone if email.recipient else ""
    zone = clock_of(campaign, name, email.account.zone)
    return next_moment(read_windows(campaign.send_windows), zone, now)


def clock_of(campaign: Campaign, name: str, otherwise: ZoneInfo) -> ZoneInfo:
    """Give the time zone in which the windows count for a recipient.

    `name` is what is known of it; where that is nothing, the account's zone is taken.
    """
    if not name or not campaign.by_recipients_clock:
        return otherwise
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # The map knows newer ones than we do.
        return otherwise


def due_times(
    campaign: Campaign, otherwise: ZoneInfo, now: datetime
) -> Callable[[str, int | None], datetime | None]:
    """Give a function from time zone and hour to the moment before which no mail goes.

    None when it may go at once. Each answer is computed once, however many ask.
    """
    windows = read_windows(campaign.send_windows)

    @cache
    def due_at(zone_name: str, hour: int | None) -> datetime | None:
        zone = clock_of(campaign, zone_name, otherwise)
        moment = from_hour(windows, hour, zone, now)
        return moment if moment > now else None

    return due_at
