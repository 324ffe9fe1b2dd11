"""Answer the question: why has this not been sent?"""

from __future__ import annotations

from campaigns.models import Campaign, Email, Recipient
from campaigns.states import CampaignState, EmailState


def why(recipient: Recipient) -> str:
    """Say in one sentence what became of a recipient's mail, and why.

    Asks for the recipient's newest mail and the campaign; prefetch `emails` and
    select `campaign` when asking for many.
    """
    if recipient.state == Recipient.State.SKIPPED:
        return f"Not sent: {recipient.detail or recipient.get_reason_display()}"
    emails = sorted(recipient.emails.all(), key=lambda email: email.step)
    if not emails:
        return "Not sent: the audience names this lead, but its mail is missing."
    return explain(emails[-1], recipient.campaign)


def explain(email: Email, campaign: Campaign | None) -> str:
    """Say in one sentence what became of a mail, and why."""
    state = EmailState(email.state)
    if state == EmailState.SENT:
        said = f": {email.detail}" if email.detail else ""
        return f"Sent on {email.sent_at:%d %B %Y at %H:%M} UTC{said}"
    if state == EmailState.SKIPPED:
        return f"Not sent: {email.detail or email.get_reason_display()}"
    if state == EmailState.SENDING:
        return "Being sent right now."
    if state == EmailState.IN_DOUBT:
        return f"In doubt: {email.detail}"
    if state == EmailState.FAILED:
        return f"Not sent, and not tried again by itself: {email.detail}"
    return _why_open(email, campaign)


def _why_open(email: Email, campaign: Campaign | None) -> str:
    if campaign is not None and campaign.state != CampaignState.RUNNING:
        state = campaign.get_state_display()
        reason = campaign.state_reason or "Nothing is sent until it runs."
        return f"Not sent yet: the campaign is {state}. {reason}"
    if email.state == EmailState.DEFERRED and email.attempts:
        return f"Not sent yet, tried {email.attempts} times: {email.detail}"
    if email.detail:
        return f"Not sent yet: {email.detail}"
    return "Not sent yet: it waits for its turn at the account's pace."
