"""Yesterday's figures by mail, once to each address of DAILY_REPORT_TO."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.utils import timezone

from campaigns.counting import counted
from campaigns.fates import AccountTrouble, Envelope, Fate, Outcome
from campaigns.measuring import COLUMNS, write_daily_figures
from campaigns.messages import Letter, build
from campaigns.models import Account, Campaign, DailyFigures, DailyReport
from campaigns.states import OPEN, CampaignState, EmailState
from campaigns.transports import transport_of
from fliptech_site.errors import InvalidInput, TransientError

#: An attempt can't last longer.
_ORPHANED_AFTER = timedelta(minutes=10)
#: Campaigns that are told one by one, those that sent most first.
_TOLD = 20


class _LostClaim(Exception):
    """Raised when another attempt has taken the report over."""


def write_and_send() -> dict[str, int]:
    """Write the days that changed, then send yesterday's to whoever wants it."""
    return {**write_daily_figures(), **send_daily_reports()}


def send_daily_reports(now: datetime | None = None) -> dict[str, int]:
    """Send yesterday's report to whoever wants it and has not got it.

    However often and however many at a time: each address gets it once. What broke off
    before the mail was begun is tried again, what broke off later is not. Raises
    TransientError when another time may be better, InvalidInput without an account.
    """
    if not settings.DAILY_REPORT_TO:
        return {"reports": 0}
    day = (now or timezone.now()).astimezone(UTC).date() - timedelta(days=1)
    for address in settings.DAILY_REPORT_TO:
        DailyReport.objects.get_or_create(day=day, address=address)
    account, shown = _account(), figures_of_day(day)
    sent, later = 0, ""
    for report in DailyReport.objects.filter(
        _NOT_BEGUN, day=day, address__in=settings.DAILY_REPORT_TO
    ):
        outcome = _send(report, account, shown)
        sent += outcome is not None and outcome.fate is Fate.ACCEPTED
        if outcome is not None and outcome.fate in _AGAIN:
            later = outcome.detail
    if later:
        raise TransientError(later)
    return {"reports": sent}


_AGAIN = (Fate.TRY_LATER, Fate.ACCOUNT_TROUBLE)
_NOT_BEGUN = Q(sent_at=None, data_started_at=None)


def figures_of_day(day: date) -> dict[str, Any]:
    """Give what the report tells of a day, and how things stand now."""
    sums = {name: Coalesce(Sum(name), 0) for name in COLUMNS}
    days = DailyFigures.objects.filter(day=day)
    campaigns = (
        days.order_by()
        .values(name=F("campaign__name"))
        .annotate(**sums)
        .order_by("-sent", "name")
    )
    total = days.aggregate(**sums)
    standing = dict.fromkeys(EmailState.values, 0)
    for row in counted():
        if row.what in standing:
            standing[row.what] += row.n
    return {
        "day": day,
        "total": total,
        "rows": [(name.replace("_", " "), total[name]) for name in COLUMNS],
        "campaigns": list(campaigns[:_TOLD]),
        "waiting": sum(standing[state] for state in OPEN),
        "in_doubt": standing[EmailState.IN_DOUBT],
        "running": Campaign.objects.filter(state=CampaignState.RUNNING).count(),
        "paused": list(
            Campaign.objects.filter(state=CampaignState.PAUSED).order_by("name")[:_TOLD]
        ),
        "url": f"{settings.PUBLIC_URL}/admin/campaigns/campaign/",
    }


def _account() -> Account:
    accounts = Account.objects.filter(is_enabled=True).order_by("pk")
    name = settings.DAILY_REPORT_ACCOUNT
    account = (accounts.filter(name=name) if name else accounts).first()
    if account is None:
        raise InvalidInput(
            f"No account {name!r} is switched on: correct DAILY_REPORT_ACCOUNT."
            if name
            else "No account is switched on that could send the daily report: add one."
        )
    return account


def _send(
    report: DailyReport, account: Account, shown: dict[str, Any]
) -> Outcome | None:
    """Make one attempt; None when another process makes or made it."""
    now = timezone.now()
    row = DailyReport.objects.filter(_NOT_BEGUN, pk=report.pk)
    is_free = Q(claimed_at=None) | Q(claimed_at__lt=now - _ORPHANED_AFTER)
    if not row.filter(is_free).update(claimed_at=now):
        return None
    mine = DailyReport.objects.filter(pk=report.pk, claimed_at=now)

    def before_data() -> None:
        if not mine.update(data_started_at=timezone.now()):
            raise _LostClaim

    envelope = Envelope(
        account.from_address, report.address, _compose(report, account, shown)
    )
    try:
        outcome = transport_of(account).deliver(envelope, before_data=before_data)
    except AccountTrouble as trouble:
        outcome = Outcome(Fate.ACCOUNT_TROUBLE, str(trouble))
    except _LostClaim:
        return None
    values: dict[str, Any] = {"detail": outcome.detail}
    if outcome.fate is Fate.ACCEPTED:
        values["sent_at"] = timezone.now()
    elif outcome.fate in _AGAIN:
        # Not delivered for certain: the next run may try.
        values |= {"claimed_at": None, "data_started_at": None}
    mine.update(**values)
    return outcome


def _compose(report: DailyReport, account: Account, shown: dict[str, Any]) -> bytes:
    return build(
        Letter(
            from_name=account.from_name,
            from_address=account.from_address,
            to_address=report.address,
            subject=f"{shown['total']['sent']:,} mails sent on {report.day:%d %B %Y}",
            html=render_to_string("campaigns/daily_report.html", shown),
            text=render_to_string("campaigns/daily_report.txt", shown),
            message_id=f"<{uuid.uuid4()}@{account.domain}>",
            date=timezone.now(),
        )
    )
