"""Guards: pause a campaign whose mails come back, or are called spam, too often."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from campaigns.launching import pause
from campaigns.models import Campaign, Email
from campaigns.states import ARRIVED, CampaignState

#: Before so many mails were sent a share says nothing.
LEAST_SENT = 50
#: Shares at which providers look at a sender (SES: 5 %; Gmail: 0.1 %).
BOUNCED = 0.05
COMPLAINED = 0.001


def review(campaign_id: int) -> bool:
    """Pause a running campaign if too much of it came back; say whether it was.

    To be called when a mail has bounced or was complained about. Mails that were sent
    before a person let the campaign go on do not count any more.
    """
    campaign = Campaign.objects.filter(
        pk=campaign_id, state=CampaignState.RUNNING
    ).first()
    if campaign is None:
        return False
    emails = Email.objects.filter(campaign=campaign_id)
    if campaign.resumed_at is not None:
        emails = emails.filter(claimed_at__gte=campaign.resumed_at)
    bounced = emails.filter(bounced_at__isnull=False).count()
    complained = emails.filter(complained_at__isnull=False).count()
    # More than this many would make either share small enough, whatever the rest is.
    enough = max(LEAST_SENT, int(bounced / BOUNCED), int(complained / COMPLAINED)) + 1
    sent = _count_sent(emails, enough)
    reason = reason_to_pause(sent=sent, bounced=bounced, complained=complained)
    return bool(reason) and pause(campaign_id, reason=reason, must=False)


def reason_to_pause(*, sent: int, bounced: int, complained: int) -> str:
    """Say in a sentence why a campaign should not go on; blank if it may. Pure."""
    if sent < LEAST_SENT:
        return ""
    if complained >= sent * COMPLAINED:
        return _sentence(sent, complained, "were called spam", COMPLAINED)
    if bounced >= sent * BOUNCED:
        return _sentence(sent, bounced, "came back", BOUNCED)
    return ""


def _sentence(sent: int, count: int, what: str, limit: float) -> str:
    return (
        f"Paused by itself. {count:,} of {sent:,} mails {what}"
        f" ({count / sent:.1%}; from {limit:.1%} on a sender's name suffers): look at"
        " the addresses and at what the mail says, then resume."
    )


def _count_sent(emails: QuerySet[Email], enough: int) -> int:
    sent = emails.filter(Q(state__in=ARRIVED) | Q(bounced_at__isnull=False))
    return len(sent.order_by().values_list("pk")[:enough])
