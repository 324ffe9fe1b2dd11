"""Launch, schedule, pause, resume, cancel and finish a campaign.

Each move is compare-and-set on the state; a move that another process made first is
refused in one sentence. None of them needs RabbitMQ.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from campaigns.composing import source_of
from campaigns.freezing import freeze
from campaigns.models import Account, Campaign, Email, Recipient, Step
from campaigns.models.email import TO_BE_FOLLOWED
from campaigns.rotation import accounts_of
from campaigns.states import (
    OPEN,
    CampaignState,
    SkipReason,
    campaign_sources_of,
)
from campaigns.stopping import skip_waiting_mails
from campaigns.templating import check
from campaigns.transports import check_test_mode
from fliptech_site.errors import InvalidInput
from tasks.enqueueing import enqueue

#: A campaign that is overdue by more than this is not launched by itself any more:
#: after a long downtime a person should say that it is still wanted.
LAUNCH_GRACE = timedelta(hours=24)


def request_launch(campaign_id: int, *, user_id: int | None = None) -> None:
    """Check that a campaign can be launched and enqueue its launch.

    It counts on the limits of the user. Works while RabbitMQ is down. Raises
    InvalidInput.
    """
    campaign = _get(campaign_id)
    _check_move(campaign, CampaignState.RUNNING)
    check_launchable(campaign)
    Campaign.objects.filter(pk=campaign_id).update(launched_by=user_id)
    enqueue(
        "launch_campaign_async",
        unique_key=f"campaign:{campaign_id}:launch",
        campaign_id=campaign_id,
    )


def launch(campaign_id: int) -> dict[str, Any]:
    """Freeze the audience and enqueue the sending; all of it, or nothing.

    A campaign that is running already stays as it is. Launching a finished one again
    adds the leads that qualify by now; nobody is mailed twice. Raises InvalidInput,
    which the campaign then shows, too; a scheduled one goes back to draft.
    """
    try:
        check_launchable(_get(campaign_id))
    except InvalidInput as error:
        _refuse_launch(campaign_id, str(error))
        raise
    with transaction.atomic():
        campaign = _lock(campaign_id)
        if campaign.state == CampaignState.RUNNING:
            return {"campaign_id": campaign_id, "state": campaign.state, "new": 0}
        if campaign.state == CampaignState.PAUSED:
            raise InvalidInput(f"{_name(campaign)} is paused: resume it instead.")
        _move(campaign, CampaignState.RUNNING, "", launched_at=timezone.now())
        new = freeze(campaign)
        _enqueue_sending(campaign_id)
    finish_if_done(campaign_id)
    skipped = Recipient.objects.filter(
        campaign_id=campaign_id, state=Recipient.State.SKIPPED
    ).count()
    return {
        "campaign_id": campaign_id,
        "state": _get(campaign_id).state,
        "new": new,
        "skipped": skipped,
    }


def schedule(campaign_id: int, when: datetime, *, user_id: int | None = None) -> None:
    """Let a draft be launched at `when` (aware). Raises InvalidInput."""
    check_launchable(_get(campaign_id))
    if when <= timezone.now():
        raise InvalidInput("The time lies in the past: choose a later one, or launch.")
    with transaction.atomic():
        campaign = _lock(campaign_id)
        Campaign.objects.filter(pk=campaign_id).update(launched_by=user_id)
        if campaign.state == CampaignState.SCHEDULED:
            Campaign.objects.filter(pk=campaign_id).update(scheduled_at=when)
        else:
            _move(campaign, CampaignState.SCHEDULED, "", scheduled_at=when)


def launch_due() -> dict[str, int]:
    """Enqueue the launch of every scheduled campaign whose time has come.

    One that is overdue by more than a day goes back to draft and says so.
    """
    now = timezone.now()
    overdue = Campaign.objects.filter(
        state=CampaignState.SCHEDULED, scheduled_at__lt=now - LAUNCH_GRACE
    ).update(
        state=CampaignState.DRAFT,
        state_reason=(
            "Its time passed more than a day ago while nothing ran here: launch it by"
            " hand if it is still wanted."
        ),
    )
    due = Campaign.objects.filter(
        state=CampaignState.SCHEDULED, scheduled_at__lte=now
    ).values_list("pk", flat=True)
    launched = 0
    for campaign_id in due:
        enqueue(
            "launch_campaign_async",
            unique_key=f"campaign:{campaign_id}:launch",
            campaign_id=campaign_id,
        )
        launched += 1
    return {"launched": launched, "overdue": overdue}


def pause(campaign_id: int, *, reason: str = "", must: bool = True) -> bool:
    """Hold back every mail that has not been claimed.

    Pausing twice is fine. With `must` a campaign that can't be paused raises
    InvalidInput, otherwise False is returned.
    """
    with transaction.atomic():
        campaign = _lock(campaign_id)
        if campaign.state == CampaignState.PAUSED:
            return True
        if not must and campaign.state != CampaignState.RUNNING:
            return False
        _move(campaign, CampaignState.PAUSED, reason or "Paused by a person.")
    return True


def resume(campaign_id: int) -> None:
    """Go on with a paused campaign; resuming a running one changes nothing."""
    check_launchable(_get(campaign_id))
    with transaction.atomic():
        campaign = _lock(campaign_id)
        if campaign.state == CampaignState.RUNNING:
            return
        if campaign.state != CampaignState.PAUSED:
            raise InvalidInput(
                f"{_name(campaign)} is {campaign.get_state_display()}; only a paused"
                " campaign can be resumed."
            )
        _move(campaign, CampaignState.RUNNING, "", resumed_at=timezone.now())
        _enqueue_sending(campaign_id)
    finish_if_done(campaign_id)


def cancel(campaign_id: int, *, reason: str = "") -> int:
    """Stop a campaign for good; returns how many mails are not sent because of it."""
    with transaction.atomic():
        campaign = _lock(campaign_id)
        if campaign.state != CampaignState.CANCELLED:
            _move(
                campaign,
                CampaignState.CANCELLED,
                reason or "Cancelled by a person.",
                finished_at=timezone.now(),
            )
        return skip_waiting_mails(
            Email.objects.filter(campaign=campaign_id),
            SkipReason.CAMPAIGN_CANCELLED,
            "The campaign was cancelled before.",
        )


def finish_if_done(campaign_id: int | None = None) -> int:
    """Finish running campaigns that have nothing left to send; one, or all of them.

    Called after each outcome is committed, so whoever commits the last one sees none
    left. Returns how many were finished.
    """
    campaigns = Campaign.objects.filter(state=CampaignState.RUNNING)
    if campaign_id is not None:
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
        raise InvalidInput(f"{_name(campaign)} has no first mail: add it as step 1.")
    for step in steps:
        check(source_of(step.template))


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
    campaigns.filter(state=CampaignState.DRAFT).update(state_reason=reason)


def _enqueue_sending(campaign_id: int) -> None:
    enqueue("send_campaign_emails", campaign_id=campaign_id)


def _get(campaign_id: int) -> Campaign:
    campaign = Campaign.objects.select_related("account").filter(pk=campaign_id).first()
    if campaign is None:
        raise InvalidInput(f"There is no campaign {campaign_id}.")
    return campaign


def _lock(campaign_id: int) -> Campaign:
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None:
        raise InvalidInput(f"There is no campaign {campaign_id}.")
    return campaign


def _check_move(campaign: Campaign, target: CampaignState) -> None:
    if campaign.state not in campaign_sources_of(target):
        raise InvalidInput(
            f"{_name(campaign)} is {campaign.get_state_display()} and can't become"
            f" {target.label}."
        )


def _move(
    campaign: Campaign, target: CampaignState, reason: str, **values: object
) -> None:
    """Move a campaign whose row is locked."""
    _check_move(campaign, target)
    campaign.state = target
    campaign.state_reason = reason
    for name, value in values.items():
        setattr(campaign, name, value)
    campaign.save(update_fields=["state", "state_reason", *values])


def _name(campaign: Campaign) -> str:
    return f"The campaign {campaign.name!r}"
