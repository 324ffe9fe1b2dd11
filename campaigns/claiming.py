"""The claim on an e-mail: everything is asked again, then one attempt is committed.

A claim is compare-and-set under a row lock; `attempts` is the fencing number. A worker
that lost its claim while it slept can neither begin DATA nor write an outcome.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from campaigns.demo_links import demo_urls
from campaigns.fates import AccountTrouble
from campaigns.models import Campaign, Email
from campaigns.pacing import pace_of
from campaigns.sequences import reason_to_pass_over
from campaigns.states import (
    REACHED,
    SENDABLE,
    CampaignState,
    EmailState,
    SkipReason,
    sources_of,
)
from campaigns.stopping import skip_waiting_mails
from fliptech_site.errors import InvalidInput, RateLimited
from leads.suppression import is_suppressed
from tasks.limits import take

#: An attempt can't last longer: the actor's limit is two minutes.
ORPHANED_AFTER = timedelta(minutes=5)


class LostClaim(RuntimeError):
    """Raised when an attempt is no longer the mail's present one."""


class Fence(NamedTuple):
    """An attempt: only it may write what became of the mail."""

    email_id: int
    attempt: int


def claim(email_id: int, *, task_id: UUID | None) -> Email | None:
    """Claim a mail for one attempt; None when it is not to be sent now.

    The row then says why. The state `sending` and the Message-ID are committed when
    this returns. Raises RateLimited (nothing is burned), AccountTrouble and, for an
    unknown id, InvalidInput.
    """
    with transaction.atomic(durable=True):
        email = _lock(email_id)
        if email.state == EmailState.SENDING and not _settle_orphan(email, task_id):
            return None
        if email.state not in SENDABLE:
            return None
        reason = _reason_to_skip(email)
        if reason:
            _skip(email, *reason)
            return None
        if hold := _reason_to_hold(email):
            Email.objects.filter(pk=email.pk).update(detail=hold)
            return None
        if not email.account.is_enabled:
            raise AccountTrouble(
                f"The account {email.account} is switched off: switch it on, then"
                " resume."
            )
        _wait_until_due(email)
        _wait_for_pace(email)
        _begin(email, task_id, timezone.now())
        return email


def mark_data_started(fence: Fence) -> None:
    """Commit that DATA begins now; from here on the fate may be unknown.

    Raises LostClaim when another attempt has taken over: then nothing may be sent.
    """
    updated = Email.objects.filter(
        pk=fence.email_id, attempts=fence.attempt, state=EmailState.SENDING
    ).update(data_started_at=timezone.now())
    if not updated:
        raise LostClaim(f"E-mail {fence.email_id} is in other hands.")


def settle(
    fence: Fence, state: EmailState, detail: str, *, provider_id: str = ""
) -> bool:
    """Commit the outcome of an attempt; False when it isn't the present one any more.

    An attempt that was taken for dead may still report what became of it.
    """
    values: dict[str, object] = {"state": state, "detail": detail}
    if state == EmailState.SENT:
        values["sent_at"] = timezone.now()
    if provider_id:
        values["provider_id"] = provider_id
    return bool(
        Email.objects.filter(
            pk=fence.email_id, attempts=fence.attempt, state__in=sources_of(state)
        ).update(**values, updated_at=timezone.now())
    )


def settle_doubt(email_id: int, *, arrived: bool, evidence: str) -> bool:
    """Settle a mail in doubt by evidence, such as an opening or a person's word."""
    values: dict[str, object] = {
        "state": EmailState.SENT if arrived else EmailState.FAILED,
        "detail": f"Was in doubt; settled: {evidence}",
        "updated_at": timezone.now(),
    }
    if arrived:
        values["sent_at"] = F("data_started_at")
    return bool(
        Email.objects.filter(pk=email_id, state=EmailState.IN_DOUBT).update(**values)
    )


def _lock(email_id: int) -> Email:
    try:
        return (
            Email.objects.select_for_update(of=("self",))
            .select_related("account", "campaign", "lead", "recipient", "template")
            .get(pk=email_id)
        )
    except Email.DoesNotExist:
        raise InvalidInput(f"There is no e-mail {email_id}.") from None


def _settle_orphan(email: Email, task_id: UUID | None) -> bool:
    """Decide about an attempt that is under way, or whose worker died.

    The ledger gives a task to a second run only when the first has ended, so the same
    task finding its mail here means that its worker died. True: it may be tried again.
    """
    is_own = task_id is not None and email.task_id == task_id
    assert email.claimed_at is not None
    is_old = email.claimed_at < timezone.now() - ORPHANED_AFTER
    if not (is_own or is_old):
        return False
    fence = Fence(email.pk, email.attempts)
    if email.data_started_at is not None:
        settle(
            fence,
            EmailState.IN_DOUBT,
            "The worker died after the mail was begun: it may or may not have arrived."
            " It is not sent again by itself; settle it when you know.",
        )
        return False
    settle(fence, EmailState.DEFERRED, "The worker died before the mail was begun.")
    email.state = EmailState.DEFERRED
    return True


def _reason_to_skip(email: Email) -> tuple[SkipReason, str] | None:
    if is_suppressed(email.address):
        return SkipReason.SUPPRESSED, "This address asked not to be written to."
    campaign = email.campaign
    if campaign is None:
        return None
    if campaign.state == CampaignState.CANCELLED:
        return SkipReason.CAMPAIGN_CANCELLED, "The campaign was cancelled before."
    if email.recipient is not None and (reason := reason_to_pass_over(email)):
        return reason
    if email.lead_id is not None and not demo_urls([email.lead_id]):
        return SkipReason.NO_DEMO, "The demo site was taken down before the mail went."
    return _written_to_lately(email, campaign)


def _written_to_lately(
    email: Email, campaign: Campaign
) -> tuple[SkipReason, str] | None:
    # Two campaigns may claim mails to one address at the same moment.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"campaigns.address:{email.address}"],
        )
    other = (
        Email.objects.filter(
            address=email.address,
            kind=Email.Kind.CAMPAIGN,
            state__in=REACHED,
            claimed_at__gte=timezone.now() - timedelta(days=campaign.quiet_days),
        )
        .exclude(campaign=campaign)
        .select_related("campaign")
        .first()
    )
    if other is None:
        return None
    return SkipReason.ALREADY_MAILED, (
        f"The campaign {str(other.campaign)!r} wrote to this address within"
        f" {campaign.quiet_days} days."
    )


def _skip(email: Email, reason: SkipReason, detail: str) -> None:
    skip_waiting_mails(Email.objects.filter(pk=email.pk), reason, detail)


def _reason_to_hold(email: Email) -> str:
    campaign = email.campaign
    if campaign is None or campaign.state == CampaignState.RUNNING:
        return ""
    return f"The campaign is {campaign.get_state_display()}; nothing is sent now."


def _wait_until_due(email: Email) -> None:
    now = timezone.now()
    if email.due_at is not None and email.due_at > now:
        raise RateLimited(
            f"Not to be sent before {email.due_at:%d %B %Y at %H:%M} UTC.",
            retry_after=(email.due_at - now).total_seconds(),
        )


def _wait_for_pace(email: Email) -> None:
    pace = pace_of(email.account.per_minute)
    seconds = take(
        f"email:account:{email.account_id}",
        interval_seconds=pace.interval_seconds,
        burst=pace.burst,
    )
    if seconds > 0:
        raise RateLimited(
            f"The account {email.account} has used up its"
            f" {email.account.per_minute} mails a minute.",
            retry_after=seconds,
        )


def _begin(email: Email, task_id: UUID | None, now: datetime) -> None:
    email.message_id = email.message_id or _new_message_id(email.account.from_address)
    email.state = EmailState.SENDING
    email.attempts += 1
    email.task_id = task_id or email.task_id
    email.claimed_at = now
    email.data_started_at = None
    email.detail = ""
    email.save(
        update_fields=[
            "message_id", "state", "attempts", "task_id", "claimed_at",
            "data_started_at", "detail", "updated_at",
        ]
    )  # fmt: skip


def _new_message_id(from_address: str) -> str:
    domain = from_address.rpartition("@")[2]
    return f"<{uuid.uuid4()}@{domain}>"
