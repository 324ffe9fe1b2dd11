"""Every limit that holds a mail back; the smallest wins. No queries.

They are asked together, in the claim alone, and shared by all workers. An answer to a
person waits for what its way out can take alone; limits on cold mail only count it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.models import Account, Campaign, Email, SendingLimit
from campaigns.models.limit import EACH
from campaigns.pacing import rate_of
from campaigns.working_hours import day_bounds
from tasks.allotting import Limit, Pace, Quota

_Scope = SendingLimit.Scope


class Hold(NamedTuple):
    """A limit, and what it says to a mail that has to wait for it."""

    limit: Limit
    says: str
    #: Whether it is there for mail that nobody asked for.
    is_for_cold_mail: bool = True

    @property
    def holds_tests(self) -> bool:
        """Whether it holds a mail to oneself, too."""
        return isinstance(self.limit, Pace) and not self.is_for_cold_mail

    def for_answer(self) -> Hold:
        """Give it as it holds for an answer to a person."""
        if not self.is_for_cold_mail:
            return self
        return self._replace(limit=self.limit._replace(holds=False))


def limits_on(
    email: Email, shared: Sequence[SendingLimit], now: datetime
) -> list[Hold]:
    """Give the limits of a mail whose account and campaign are loaded.

    `shared` are all rows of limits that many share. A mail to oneself is held by the pace
    of its way out alone, and counts on no day.
    """
    found = [*_all_of(email, shared, now)]
    if email.kind == Email.Kind.TEST:
        return [hold for hold in found if hold.holds_tests]
    if email.is_answer:
        return [hold.for_answer() for hold in found]
    return found


def _all_of(
    email: Email, shared: Sequence[SendingLimit], now: datetime
) -> Iterator[Hold]:
    account, campaign = email.account, email.campaign
    yield from _paces(account)
    yield from _cap(account, now)
    names = [
        (_Scope.PROVIDER, provider_of(account)),
        (_Scope.DOMAIN, email.address.rpartition("@")[2]),
    ]
    if campaign is not None:
        yield from _of_campaign(campaign, email.step, now)
        if campaign.launched_by is not None:
            names.append((_Scope.USER, campaign.launched_by.get_username()))
    by_name = {(limit.scope, limit.name): limit for limit in shared}
    for scope, name in names:
        limit = by_name.get((scope, name)) or by_name.get((scope, EACH))
        if limit is not None:
            yield from _of_shared(limit, name, now)


def quotas_of(email: Email, shared: Sequence[SendingLimit]) -> list[str]:
    """Give the keys of the days that a claimed mail was counted on."""
    assert email.claimed_at is not None
    holds = limits_on(email, shared, email.claimed_at)
    return [hold.limit.key for hold in holds if isinstance(hold.limit, Quota)]


def provider_of(account: Account) -> str:
    """Give the name under which an account's provider is limited: its kind, or its host."""
    if account.kind == Account.Kind.SMTP:
        return account.smtp_host.lower()
    return account.kind


def _paces(account: Account) -> Iterator[Hold]:
    yield Hold(
        Pace(f"email:account:{account.pk}", *rate_of(account.per_minute)),
        f"the account {account} has used up its {account.per_minute:,} mails a minute",
        is_for_cold_mail=False,
    )
    if account.min_gap_seconds:
        yield Hold(
            Pace(f"email:gap:{account.pk}", float(account.min_gap_seconds)),
            f"the account {account} waits {account.min_gap_seconds:,} s between mails",
        )


def _cap(account: Account, now: datetime) -> Iterator[Hold]:
    day = account.day_of(now)
    most = account.allowed_on(day)
    if most is not None:
        yield Hold(
            _day(f"account:{account.pk}", most, account.zone, day),
            f"the account {account} has used up its {most:,} mails of {day:%d %B}",
        )


def _of_campaign(campaign: Campaign, step: int, now: datetime) -> Iterator[Hold]:
    if campaign.per_day is not None:
        yield Hold(
            _today(f"campaign:{campaign.pk}", campaign.per_day, now),
            f"the campaign has used up its {campaign.per_day:,} mails a day",
        )
    if campaign.new_leads_per_day is not None and step == 1:
        yield Hold(
            _today(f"new:{campaign.pk}", campaign.new_leads_per_day, now),
            f"the campaign has written to its {campaign.new_leads_per_day:,} new leads"
            " a day",
        )


def _of_shared(limit: SendingLimit, name: str, now: datetime) -> Iterator[Hold]:
    whose = f"{limit.get_scope_display()} {name}"
    # What a provider takes, it takes of all mail: beyond that it refuses, or bars us.
    is_for_cold_mail = limit.scope != _Scope.PROVIDER
    if limit.per_minute is not None:
        yield Hold(
            Pace(f"email:{limit.scope}:{name}", *rate_of(limit.per_minute)),
            f"the limit of {limit.per_minute:,} mails a minute is used up ({whose})",
            is_for_cold_mail,
        )
    if limit.per_day is not None:
        yield Hold(
            _today(f"{limit.scope}:{name}", limit.per_day, now),
            f"the limit of {limit.per_day:,} mails a day is used up ({whose})",
            is_for_cold_mail,
        )


def _today(name: str, most: int, now: datetime) -> Quota:
    zone = ZoneInfo(settings.TIME_ZONE)
    return _day(name, most, zone, now.astimezone(zone).date())


def _day(name: str, most: int, zone: ZoneInfo, day: date) -> Quota:
    _, ends_at = day_bounds(zone, day)
    return Quota(f"email:day:{name}:{day:%Y-%m-%d}", most, ends_at)
