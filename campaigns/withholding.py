"""What is asked of mails once more inside their claim: never, not now, or not yet.

The mails are locked, of one account and one campaign at most; each question is asked for
all of them in one query.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from campaigns.limits import Hold, limits_on
from campaigns.models import Campaign, Email, SendingLimit
from campaigns.pacing import Rate, rate_of
from campaigns.send_times import first_moment
from campaigns.sequences import reasons_to_pass_over
from campaigns.states import REACHED, CampaignState, SkipReason
from campaigns.working_hours import may_send_at
from leads.suppression import suppressed_addresses
from tasks.allotting import Pace, Quota, allot
from tasks.limits import hold_until, reserve

#: Who came a moment too early, by another clock, would be sent to the end of the line.
_SURELY = timedelta(seconds=1)

Skip = tuple[SkipReason, str]


class Wait(NamedTuple):
    """Why mails have to wait, and until when (aware)."""

    says: str
    until: datetime


def reasons_to_skip(emails: Sequence[Email], demos: Collection[int]) -> dict[int, Skip]:
    """Say which of these mails are not to be sent at all, by id, and why.

    `demos` are the leads that have a demo site to show.
    """
    campaign = emails[0].campaign
    reasons: dict[int, Skip] = {}
    for found in _reasons(emails, campaign, demos):
        # The first reason is the strongest.
        reasons = found | reasons
    return reasons


def reason_to_hold(email: Email) -> str:
    """Say why nothing of a mail's campaign is sent now; blank when that is not so."""
    campaign = email.campaign
    if campaign is None or campaign.state == CampaignState.RUNNING:
        return ""
    return f"The campaign is {campaign.get_state_display()}; nothing is sent now."


def wait_for_its_time(email: Email, now: datetime) -> Wait | None:
    """Say until when a mail waits for its own time, or for its account's hours."""
    if email.due_at is not None and email.due_at > now:
        return Wait("it is not to be sent before", email.due_at)
    if email.kind != Email.Kind.CAMPAIGN:  # A person asked for it: it goes at once.
        return None
    opens_at = first_moment(email, now)
    if opens_at > now:
        return Wait("the campaign's next window has to open", opens_at + _SURELY)
    opens_at = may_send_at(email.account.hours, now)
    if opens_at <= now:
        return None
    rate = rate_of(email.account.per_minute)
    lane = f"again:email:hours:{email.account_id}:{opens_at:%Y-%m-%dT%H:%M}"
    return Wait(
        f"the account {email.account} works again from {opens_at:%d %B at %H:%M} UTC on",
        _place(lane, opens_at + _SURELY, rate.interval_seconds),
    )


class Allotted(NamedTuple):
    """What the limits say: who may go, on which quotas that counts, and who waits."""

    going: list[Email]
    counted: dict[int, list[str]]
    waiting: list[tuple[Email, Wait]]


def ask_limits(emails: Sequence[Email], now: datetime) -> Allotted:
    """Take a slot of all its limits for each mail, in their order, or say who waits.

    Those that wait for the same limit get a moment of their own, one behind the other,
    so that none of them asks in vain again and again. Answers do not line up behind them:
    they ask as soon as the limit is free.
    """
    shared = list(SendingLimit.objects.all())
    holds = [limits_on(email, shared, now) for email in emails]
    answers = allot([[hold.limit for hold in each] for each in holds])
    allotted = Allotted([], {}, [])
    refused: dict[str, list[tuple[Email, Hold, datetime]]] = {}
    for email, each, answer in zip(emails, holds, answers, strict=True):
        if answer is None:
            allotted.going.append(email)
            allotted.counted[email.pk] = [
                hold.limit.key for hold in each if isinstance(hold.limit, Quota)
            ]
        else:
            hold = next(one for one in each if one.limit == answer.limit)
            if email.is_answer:
                allotted.waiting.append((email, Wait(hold.says, answer.until)))
                continue
            waiting = refused.setdefault(hold.limit.key, [])
            waiting.append((email, hold, answer.until))
    for group in refused.values():
        wait = _wait(group[0][1], group[0][2], len(group), group[0][0])
        allotted.waiting.extend((email, wait) for email, _, _ in group)
    return allotted


def _reasons(
    emails: Sequence[Email], campaign: Campaign | None, demos: Collection[int]
) -> Iterator[dict[int, Skip]]:
    suppressed = suppressed_addresses(list({email.address for email in emails}))
    yield {
        email.pk: (SkipReason.SUPPRESSED, "This address asked not to be written to.")
        for email in emails
        if email.address in suppressed
    }
    if campaign is None:
        return
    if campaign.state == CampaignState.CANCELLED:
        said = (SkipReason.CAMPAIGN_CANCELLED, "The campaign was cancelled before.")
        yield {email.pk: said for email in emails}
        return
    yield reasons_to_pass_over(emails)
    gone = (SkipReason.NO_DEMO, "The demo site was taken down before the mail went.")
    yield {
        email.pk: gone
        for email in emails
        if email.lead_id is not None and email.lead_id not in demos
    }
    yield _written_to_lately(emails, campaign)


def _written_to_lately(emails: Sequence[Email], campaign: Campaign) -> dict[int, Skip]:
    if not campaign.quiet_days:
        return {}
    addresses = sorted({email.address for email in emails})
    # Two campaigns may claim mails to one address at the same moment.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(key, 0))"
            " FROM unnest(%s::text[]) AS wanted(key)",
            [[f"campaigns.address:{address}" for address in addresses]],
        )
    others = (
        Email.objects.filter(
            address__in=addresses,
            kind=Email.Kind.CAMPAIGN,
            state__in=REACHED,
            claimed_at__gte=timezone.now() - timedelta(days=campaign.quiet_days),
        )
        .exclude(campaign=campaign)
        .values_list("address", "campaign__name")
    )
    names = dict(others)
    days = f"within {campaign.quiet_days} days"
    said = {
        address: f"The campaign {name!r} wrote to this address {days}."
        for address, name in names.items()
    }
    return {
        email.pk: (SkipReason.ALREADY_MAILED, said[email.address])
        for email in emails
        if email.address in said
    }


def _wait(hold: Hold, until: datetime, count: int, email: Email) -> Wait:
    limit, rate = hold.limit, rate_of(email.account.per_minute)
    lane = f"again:{limit.key}"
    if isinstance(limit, Pace):
        moment = _place(lane, until, limit.interval_seconds, count)
        # With their slack they may come together, as far as it reaches.
        late = (count - 1) * limit.interval_seconds - limit.slack_seconds
        return Wait(hold.says, moment + timedelta(seconds=max(late, 0.0)))
    return Wait(hold.says, _place_on_a_day(lane, limit, rate, count))


def _place_on_a_day(lane: str, quota: Quota, rate: Rate, count: int) -> datetime:
    """Give a place on the first day that is not full of others who were refused."""
    # Slots of one second are used as numbers: how many were refused before.
    first = _place(lane, quota.ends_at, 1.0, count)
    number = round((first - quota.ends_at).total_seconds())
    days, nth = divmod(number, max(quota.most, 1))
    return (
        quota.ends_at
        + _SURELY
        + timedelta(days=days)
        + timedelta(seconds=nth * rate.interval_seconds)
    )


def _place(
    lane: str, moment: datetime, interval_seconds: float, count: int = 1
) -> datetime:
    hold_until(lane, moment)
    return reserve(lane, interval_seconds=interval_seconds, count=count)
