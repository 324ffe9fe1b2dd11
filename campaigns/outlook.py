"""What a campaign's plan for today is, when its next mail goes, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from campaigns.counting import SentInHour, sent_by_hour
from campaigns.forecasting import Forecast, Sender, forecast
from campaigns.models import Account, Campaign, Email
from campaigns.states import SENDABLE, CampaignState
from campaigns.working_hours import day_bounds, may_send_at
from tasks.models import Task
from tasks.states import UNFINISHED

#: Mails whose tasks are looked at for the next one's time, at either end: those of a line
#: are planned in order.
_NEXT = 200


@dataclass(frozen=True, slots=True)
class AccountToday:
    """How far an account is on its own day, with the mails of all campaigns."""

    name: str
    sent: int
    #: None is no limit.
    allowed: int | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """A campaign's plan as of this moment."""

    #: What it sent today, and what that will be by the end of the day.
    sent_today: int
    planned_today: int
    #: Mails still to be sent that are written; follow-ups come on top.
    left: int
    #: Days it takes, today included; None when it takes more than a year.
    days: int | None
    next_at: datetime | None
    accounts: list[AccountToday]


def outlook(campaign: Campaign, open_by_account: dict[int, int]) -> Outlook:
    """Give the plan of a campaign whose open mails are known by account."""
    now = timezone.now()
    accounts = list(Account.objects.filter(pk__in=open_by_account).order_by("pk"))
    if not accounts:
        accounts = [campaign.account]
    # A day is 26 hours at the most, wherever it began.
    sent = sent_by_hour(
        now - timedelta(hours=26), campaign.pk, [account.pk for account in accounts]
    )
    senders = [
        Sender(
            left=open_by_account.get(account.pk, 0),
            hours=account.hours,
            per_minute=account.per_minute,
            gap_seconds=account.min_gap_seconds,
            sent_today=_sent_by(account, sent, now),
            allowed_on=account.allowed_on,
        )
        for account in accounts
    ]
    sent_today = _sent_today(campaign, sent, now)
    expected = _expected(campaign, senders, now, sent_today)
    return Outlook(
        sent_today=sent_today,
        planned_today=sent_today + expected.today,
        left=sum(sender.left for sender in senders),
        days=expected.days,
        next_at=_next_at(campaign, accounts, now),
        accounts=[
            AccountToday(
                str(account),
                sender.sent_today,
                account.allowed_on(account.day_of(now)),
            )
            for account, sender in zip(accounts, senders, strict=True)
        ],
    )


def _expected(
    campaign: Campaign, senders: list[Sender], now: datetime, sent_today: int
) -> Forecast:
    """Forecast a running campaign; of any other nothing goes today."""
    expected = forecast(senders, now, per_day=campaign.per_day, sent_today=sent_today)
    if campaign.state == CampaignState.RUNNING:
        return expected
    return Forecast(0, expected.days)


def _sent_by(account: Account, sent: list[SentInHour], now: datetime) -> int:
    start, _ = day_bounds(account.zone, account.day_of(now))
    return sum(
        row.n for row in sent if row.account_id == account.pk and row.hour >= start
    )


def _sent_today(campaign: Campaign, sent: list[SentInHour], now: datetime) -> int:
    zone = ZoneInfo(settings.TIME_ZONE)
    start, _ = day_bounds(zone, now.astimezone(zone).date())
    return sum(
        row.n for row in sent if row.campaign_id == campaign.pk and row.hour >= start
    )


def _next_at(
    campaign: Campaign, accounts: list[Account], now: datetime
) -> datetime | None:
    if campaign.state != CampaignState.RUNNING:
        return None
    waiting = Email.objects.filter(campaign=campaign, state__in=SENDABLE).values_list(
        "task_id", flat=True
    )
    # The newest, too: follow-ups may overtake.
    planned = {*waiting.order_by("id")[:_NEXT], *waiting.order_by("-id")[:_NEXT]}
    run_at: datetime | None = Task.objects.filter(
        pk__in=[task_id for task_id in planned if task_id], state__in=UNFINISHED
    ).aggregate(at=Min("run_at"))["at"]
    if run_at is None:
        return None
    opens_at = min(may_send_at(account.hours, now) for account in accounts)
    return max(run_at, opens_at, now)
