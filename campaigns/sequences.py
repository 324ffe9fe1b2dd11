"""Follow-ups: plan what is due, ask each condition, stop when somebody answers.

A follow-up becomes a row when its time has come, not before: whatever happened until
then is taken into account, and a step that a person changes counts for all who wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from campaigns.behaviour import behaviour_of
from campaigns.conditions import Condition, holds, why_passed_over
from campaigns.launching import finish_if_done
from campaigns.models import Campaign, Email, Step
from campaigns.models.email import GONE_AT, TO_BE_FOLLOWED
from campaigns.send_times import due_times
from campaigns.split_tests import split_of
from campaigns.states import CampaignState, EmailState, SkipReason, StopReason
from campaigns.stopping import skip_reason_of, stop
from tasks.enqueueing import enqueue

__all__ = ["plan_follow_ups", "reasons_to_pass_over", "stop"]

#: Mails whose follow-ups are decided about with one set of queries.
_CHUNK = 1000


def plan_follow_ups() -> dict[str, int]:
    """Write the follow-ups of all running campaigns that are due, and plan them.

    Safe to run at any time and at the same time: a mail is followed once.
    """
    planned = passed_over = 0
    running = Campaign.objects.filter(
        state=CampaignState.RUNNING, steps__number__gt=1
    ).distinct()
    for campaign in running.select_related("account").prefetch_related("steps"):
        steps = sorted(campaign.steps.all(), key=lambda step: step.number)
        rows = [_follow(before, step) for before, step in pairwise(steps)]
        written = sum(row.written for row in rows)
        planned += written
        passed_over += sum(row.passed_over for row in rows)
        if written:
            enqueue("send_campaign_emails", campaign_id=campaign.pk)
        finish_if_done(campaign.pk)
    return {"planned": planned, "passed_over": passed_over}


def reasons_to_pass_over(
    emails: Sequence[Email],
) -> dict[int, tuple[SkipReason, str]]:
    """Say inside the claim which mails are not to be sent after all, by id, and why.

    All are of one campaign, with their recipients loaded.
    """
    reasons: dict[int, tuple[SkipReason, str]] = {}
    later: list[Email] = []
    for email in emails:
        if email.recipient is None:
            continue
        if email.recipient.stop_reason:
            reason = StopReason(email.recipient.stop_reason)
            said = f"The sequence had ended: {reason.label}."
            reasons[email.pk] = (skip_reason_of(reason), said)
        elif email.step > 1:
            later.append(email)
    return reasons | (_conditions_that_fail(later) if later else {})


def _conditions_that_fail(
    emails: Sequence[Email],
) -> dict[int, tuple[SkipReason, str]]:
    steps = {
        step.number: Condition(step.condition)
        for step in Step.objects.filter(campaign=emails[0].campaign_id)
    }
    asked = [
        email.recipient_id
        for email in emails
        if email.recipient_id is not None
        and steps.get(email.step, Condition.NO_REPLY) != Condition.NO_REPLY
    ]
    behaviour = behaviour_of(asked) if asked else {}
    reasons: dict[int, tuple[SkipReason, str]] = {}
    for email in emails:
        condition = steps.get(email.step)
        if condition is None:
            gone = "The step was taken out of the campaign."
            reasons[email.pk] = (SkipReason.CONDITION, gone)
        elif email.recipient_id in behaviour and not holds(
            condition, behaviour[email.recipient_id]
        ):
            reasons[email.pk] = (SkipReason.CONDITION, why_passed_over(condition))
    return reasons


class _Followed(NamedTuple):
    written: int
    passed_over: int


def _follow(before: Step, step: Step) -> _Followed:
    written = passed_over = 0
    while True:
        emails = _follow_chunk(before, step)
        passed_over += sum(email.state == EmailState.SKIPPED for email in emails)
        written += sum(email.state == EmailState.WAITING for email in emails)
        if not emails:
            return _Followed(written, passed_over)


def _follow_chunk(before: Step, step: Step) -> list[Email]:
    now = timezone.now()
    with transaction.atomic():
        due = list(
            Email.objects.filter(
                TO_BE_FOLLOWED, campaign=before.campaign_id, step=before.number
            )
            .alias(gone_at=GONE_AT)
            .filter(gone_at__lte=now - step.wait)
            .select_related("recipient")
            .order_by("gone_at")
            # Whoever plans at the same time takes others.
            .select_for_update(of=("self",), skip_locked=True)[:_CHUNK]
        )
        emails = _emails_after(due, step, now)
        # A row that is there already, from a step that was renumbered, stays.
        Email.objects.bulk_create(emails, ignore_conflicts=True)
        Email.objects.filter(pk__in=[email.pk for email in due]).update(
            is_followed=True
        )
    return emails


def _emails_after(due: Sequence[Email], step: Step, now: datetime) -> list[Email]:
    going_on = [
        (email, email.recipient)
        for email in due
        if email.recipient is not None and not email.recipient.stop_reason
    ]
    behaviour = behaviour_of([recipient.pk for _, recipient in going_on])
    condition = Condition(step.condition)
    campaign = step.campaign
    split = split_of(campaign, step.number)
    due_at = due_times(campaign, campaign.account.zone, now)
    emails = []
    for earlier, recipient in going_on:
        variant = split.variant_for(earlier.address)
        hour = variant.send_hour if variant else None
        email = Email(
            campaign_id=step.campaign_id,
            recipient=recipient,
            step=step.number,
            lead_id=earlier.lead_id,
            # Whoever was written to hears from the same sender again.
            account_id=earlier.account_id,
            template_id=(variant and variant.template_id) or step.template_id,
            variant=variant,
            address=earlier.address,
            due_at=due_at(recipient.time_zone, hour) or now,
        )
        if not holds(condition, behaviour[recipient.pk]):
            email.state = EmailState.SKIPPED
            email.reason = SkipReason.CONDITION
            email.detail = why_passed_over(condition)
            email.due_at, email.variant = now, None
        emails.append(email)
    return emails
