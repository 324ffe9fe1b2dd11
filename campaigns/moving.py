"""Move a campaign from state to state under its row's lock."""

from __future__ import annotations

from campaigns.models import Campaign
from campaigns.states import CampaignState, campaign_sources_of
from fliptech_site.errors import InvalidInput


def find(campaign_id: int) -> Campaign:
    """Give a campaign with its account. Raises InvalidInput when there is none."""
    campaign = Campaign.objects.select_related("account").filter(pk=campaign_id).first()
    if campaign is None:
        raise InvalidInput(f"There is no campaign {campaign_id}.")
    return campaign


def lock(campaign_id: int) -> Campaign:
    """Give a campaign whose row nobody else moves until the transaction ends.

    New recipients and mails don't wait for it: they only ask that the row exists.
    """
    campaign = (
        Campaign.objects.select_for_update(no_key=True).filter(pk=campaign_id).first()
    )
    if campaign is None:
        raise InvalidInput(f"There is no campaign {campaign_id}.")
    return campaign


def check_move(campaign: Campaign, target: CampaignState) -> None:
    """Raise InvalidInput for a move that the table of states doesn't have."""
    if campaign.state not in campaign_sources_of(target):
        raise InvalidInput(
            f"{name_of(campaign)} is {campaign.get_state_display()} and can't become"
            f" {target.label}."
        )


def move(
    campaign: Campaign, target: CampaignState, reason: str, **values: object
) -> None:
    """Move a campaign whose row is locked, and set other fields with it."""
    check_move(campaign, target)
    campaign.state = target
    campaign.state_reason = reason
    for name, value in values.items():
        setattr(campaign, name, value)
    campaign.save(update_fields=["state", "state_reason", *values])


def name_of(campaign: Campaign) -> str:
    """Name a campaign at the beginning of a sentence."""
    return f"The campaign {campaign.name!r}"
