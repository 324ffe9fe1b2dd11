"""Launch, pause, resume, cancel and finish a campaign.

Each move is compare-and-set on the state; a move that another process made first is
refused in one sentence. None of them needs RabbitMQ.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from campaigns.composing import source_of
from campaigns.freezing import freeze
from campaigns.lanes import leave_lines
from campaigns.models import Account, Campaign, Email, Recipient, Step
from campaigns.models.email import TO_BE_FOLLOWED
from campaigns.moving import check_move, find, lock, move, name_of
from campaigns.reviewing import check_sendable
from campaigns.rotation import accounts_of
from campaigns.states import (
    OPEN,
    CampaignState,
    SkipReason,
)
from campaigns.stopping import skip_in_pieces
from campaigns.templating import check
from campaigns.transports import check_test_mode
from fliptech_site.errors import InvalidInput
from tasks.enqueueing import enqueue


def request_launch(campaign_id: int, *, user_id: int | None = None) -> None:
    """Check that a campaign can be launched and enqueue its launch.

    It counts on the limits of the user. Works while RabbitMQ is down. Raises
    InvalidInput.
    """
    campaign = find(campaign_id)
    if campaign.state == CampaignState.PAUSED:
        raise InvalidInput(f"{name_of(campaign)} is paused: resume it instead.")
    if campaign.state not in (CampaignState.RUNNING, CampaignState.LAUNCHING):
        check_move(campaign, CampaignState.LAUNCHING)
    check_launchable(campaign)
    Campaign.objects.filter(pk=campaign_id).update(launched_by=user_id)
    enqueue_launch(campaign_id)


def enqueue_launch(campaign_id: int) -> None:
    """Let a worker launch a campaign; once, however often it is asked."""
    enqueue(
        "launch_campaign_async",
        unique_key=f"campaign:{campaign_id}:launch",
        campaign_id=campaign_id,
    )


def launch(campaign_id: int) -> dict[str, Any]:
    """Freeze the audience, then enqueue the sending.

    The freezing is many short transactions: a launch that broke off goes on where it
    was, and one that is paused or cancelled meanwhile ends. Launching a running or
    finished campaign again adds the leads that qualify by now; nobody is mailed twice.
    Raises InvalidInput, which the campaign then shows, too; a scheduled one goes back
    to draft.
    """
    try:
        check_launchable(find(campaign_id))
    except InvalidInput as error:
        _refuse_launch(campaign_id, str(error))
        raise
    since = _begin_freezing(campaign_id)
    new = freeze(campaign_id, since)
    _end_freezing(campaign_id, since)
    finish_if_done(campaign_id)
    skipped = Recipient.objects.filter(
        campaign_id=campaign_id, state=Recipient.State.SKIPPED
    ).count()
    return {
        "campaign_id": campaign_id,
        "state": find(campaign_id).state,
        "new": new,
        "skipped": skipped,
    }


def _begin_freezing(campaign_id: int) -> datetime:
    """Open the campaign for new recipients; returns the fence of this freezing."""
    now = timezone.now()
    with transaction.atomic():
        campaign = lock(campaign_id)
        if campaign.state == CampaignState.PAUSED:
            raise InvalidInput(f"{name_of(campaign)} is paused: resume it instead.")
        if campaign.state == CampaignState.LAUNCHING:
            # Its run broke off: this one goes on with what was not decided yet.
            assert campaign.freezing_since is not None
            return campaign.freezing_since
        if campaign.state == CampaignState.RUNNING:
            Campaign.objects.filter(pk=campaign_id).update(freezing_since=now)
        else:
            move(
                campaign,
                CampaignState.LAUNCHING,
                "",
                launched_at=now,
                freezing_since=now,
            )
    return now


def _end_freezing(campaign_id: int, since: datetime) -> None:
    """Set the sending going, unless the freezing was stopped or taken over."""
    with transaction.atomic():
        campaign = lock(campaign_id)
        is_open = campaign.state in (CampaignState.LAUNCHING, CampaignState.RUNNING)
        if campaign.freezing_since != since or not is_open:
            return
        if campaign.state == CampaignState.LAUNCHING:
            move(campaign, CampaignState.RUNNING, "")
        Campaign.objects.filter(pk=campaign_id).update(
            freezing_since=None, frozen_at=timezone.now()
        )
        _enqueue_sending(campaign_id)


def pause(campaign_id: int, *, reason: str = "", must: bool = True) -> bool:
    """Hold back every mail that has not been claimed.

    Pausing twice is fine. With `must` a campaign that can't be paused raises
    InvalidInput, otherwise False is returned.
    """
    with transaction.atomic():
        campaign = lock(campaign_id)
        if campaign.state == CampaignState.PAUSED:
            return True
        if not must and campaign.state not in (
            CampaignState.RUNNING,
            CampaignState.LAUNCHING,
        ):
            return False
        move(campaign, CampaignState.PAUSED, reason or "Paused by a person.")
        leave_lines(campaign_id)
    return True


def resume(campaign_id: int) -> None:
    """Go on with a paused campaign, with its launch when that was not through.

    Resuming a running one changes nothing.
    """
    now = timezone.now()
    check_launchable(find(campaign_id))
    with transaction.atomic():
        campaign = lock(campaign_id)
        if campaign.state in (CampaignState.RUNNING, CampaignState.LAUNCHING):
            return
        if campaign.state != CampaignState.PAUSED:
            raise InvalidInput(
                f"{name_of(campaign)} is {campaign.get_state_display()}; only a paused"
                " campaign can be resumed."
            )
        now = timezone.now()
        if campaign.freezing_since is not None:
            move(campaign, CampaignState.LAUNCHING, "", resumed_at=now)
            enqueue_launch(campaign_id)
        else:
            move(campaign, CampaignState.RUNNING, "", resumed_at=now)
            _enqueue_sending(campaign_id)
    finish_if_done(campaign_id)


def cancel(campaign_id: int, *, reason: str = "") -> int:
    """Stop a campaign for good; returns how many mails are not sent because of it."""
    with transaction.atomic():
        campaign = lock(campaign_id)
        if campaign.state != CampaignState.CANCELLED:
            move(
                campaign,
                CampaignState.CANCELLED,
                reason or "Cancelled by a person.",
                finished_at=timezone.now(),
            )
            leave_lines(campaign_id)
    # From here on no claim succeeds; the rows follow, however many they are.
    return skip_cancelled(campaign_id)


def skip_cancelled(campaign_id: int | None = None) -> int:
    """Skip what still waits in a cancelled campaign, or in all of them.

    Goes on where a cancelling broke off. Returns how many mails were skipped.
    """
    mails = Email.objects.filter(campaign__state=CampaignState.CANCELLED)
    if campaign_id is not None:
        mails = mails.filter(campaign=campaign_id)
    return skip_in_pieces(
        mails, SkipReason.CAMPAIGN_CANCELLED, "The campaign was cancelled before."
    )


def finish_if_done(campaign_id: int | None = None) -> int:
    """Finish running campaigns that have nothing left to send; one, or all of them.

    Called after each outcome is committed, so whoever commits the last one sees none
    left. Returns how many were finished.
    """
    campaigns = Campaign.objects.filter(
        state=CampaignState.RUNNING, freezing_since__isnull=True
    )
    if campaign_id is not None:
        # The whole question is asked after each few mails: most often this answers it.
        if Email.objects.filter(campaign=campaign_id, state__in=OPEN).exists():
            return 0
        campaigns = campaigns.filter(pk=campaign_id)
    mails = Email.objects.filter(campaign=OuterRef("pk"))
    last_step = (
        Step.objects.filter(campaign=OuterRef("campaign"))
        .order_by("-number")
        .values("number")[:1]
    )
    return campaigns.filter(
        ~Exists(mails.filter(state__in=OPEN)),
        ~Exists(mails.filter(TO_BE_FOLLOWED, step__lt=Subquery(last_step))),
    ).update(state=CampaignState.FINISHED, state_reason="", finished_at=timezone.now())


def check_launchable(campaign: Campaign) -> None:
    """Raise InvalidInput when sending would fail for every mail."""
    for account in accounts_of(campaign):
        check_account(account)
    steps = list(campaign.steps.select_related("template"))
    if not steps or steps[0].number != 1:
        raise InvalidInput(f"{name_of(campaign)} has no first mail: add it as step 1.")
    for step in steps:
        check_sendable(step.template, campaign)
    for variant in campaign.variants.select_related("account", "template"):
        if variant.account is not None:
            check_account(variant.account)
        template = variant.template or campaign.template
        check_sendable(template, campaign)
        if variant.subject:
            check(source_of(template)._replace(subject=variant.subject))


def check_account(account: Account) -> None:
    """Raise InvalidInput when no mail of this account could be sent."""
    if not account.is_enabled:
        raise InvalidInput(f"The account {account} is switched off: switch it on.")
    if settings.TEST_MODE:
        check_test_mode(account)


def _refuse_launch(campaign_id: int, sentence: str) -> None:
    campaigns = Campaign.objects.filter(pk=campaign_id)
    reason = f"Not launched: {sentence}"
    campaigns.filter(state=CampaignState.SCHEDULED).update(
        state=CampaignState.DRAFT, state_reason=reason
    )
    campaigns.filter(state__in=(CampaignState.DRAFT, CampaignState.OVERDUE)).update(
        state_reason=reason
    )


def _enqueue_sending(campaign_id: int) -> None:
    enqueue("send_campaign_emails", campaign_id=campaign_id)
