"""When campaigns launch by themselves: at their time, and once a day to take in new leads."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from campaigns.launching import check_launchable, enqueue_launch, skip_cancelled
from campaigns.models import Campaign
from campaigns.moving import find, lock, move
from campaigns.states import CampaignState
from fliptech_site.errors import InvalidInput

#: A growing campaign looks for new leads so often.
_GROWS_EVERY = timedelta(hours=24)
#: A launch that takes longer is asked for again, which does nothing while it runs.
_BROKEN_AFTER = timedelta(minutes=5)


def schedule(campaign_id: int, when: datetime, *, user_id: int | None = None) -> None:
    """Let a draft be launched at `when` (aware), on the limits of the user.

    Raises InvalidInput.
    """
    check_launchable(find(campaign_id))
    if when <= timezone.now():
        raise InvalidInput("The time lies in the past: choose a later one, or launch.")
    with transaction.atomic():
        campaign = lock(campaign_id)
        Campaign.objects.filter(pk=campaign_id).update(launched_by=user_id)
        if campaign.state == CampaignState.SCHEDULED:
            Campaign.objects.filter(pk=campaign_id).update(scheduled_at=when)
            return
        if campaign.state == CampaignState.OVERDUE:
            move(campaign, CampaignState.DRAFT, "")
        move(campaign, CampaignState.SCHEDULED, "", scheduled_at=when)


def drop_schedule(campaign_id: int) -> None:
    """Make a scheduled or overdue campaign a draft again. Raises InvalidInput."""
    with transaction.atomic():
        move(lock(campaign_id), CampaignState.DRAFT, "Its launch was dropped.")


def launch_due() -> dict[str, int]:
    """Enqueue the launches whose time has come, and those of growing campaigns.

    One that is overdue by more than CAMPAIGN_GRACE_HOURS waits for a person:
    after a long downtime somebody should say that it is still wanted.
    """
    now = timezone.now()
    grace = timedelta(hours=settings.CAMPAIGN_GRACE_HOURS)
    scheduled = Campaign.objects.filter(state=CampaignState.SCHEDULED)
    overdue = scheduled.filter(scheduled_at__lt=now - grace).update(
        state=CampaignState.OVERDUE,
        state_reason=(
            "Its time passed while nothing ran here: launch it now if it is still"
            " wanted, or drop it."
        ),
    )
    due = list(scheduled.filter(scheduled_at__lte=now).values_list("pk", flat=True))
    growing = list(
        Campaign.objects.filter(
            Q(frozen_at__isnull=True) | Q(frozen_at__lte=now - _GROWS_EVERY),
            state__in=(CampaignState.RUNNING, CampaignState.FINISHED),
            is_growing=True,
        ).values_list("pk", flat=True)
    )
    # Whose launch failed for a reason that is gone by now, or was lost with its task.
    broken = list(
        Campaign.objects.filter(
            freezing_since__lt=now - _BROKEN_AFTER,
            state__in=(CampaignState.LAUNCHING, CampaignState.RUNNING),
        ).values_list("pk", flat=True)
    )
    for campaign_id in [*due, *growing, *broken]:
        enqueue_launch(campaign_id)
    skip_cancelled()
    return {"launched": len(due), "growing": len(growing), "overdue": overdue}
