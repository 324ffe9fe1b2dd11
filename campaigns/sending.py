"""Send one e-mail: claim, compose, one SMTP attempt, outcome; each step committed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from campaigns.claiming import Fence, LostClaim, claim, mark_data_started, settle
from campaigns.composing import compose
from campaigns.fates import AccountTrouble, Envelope, Fate, Outcome
from campaigns.launching import finish_if_done, pause
from campaigns.models import Email
from campaigns.states import CampaignState, EmailState
from campaigns.transports import transport_of
from fliptech_site.errors import InvalidInput, TransientError
from tasks.current import current_claim

_STATE_AFTER = {
    Fate.ACCEPTED: EmailState.SENT,
    Fate.TRY_LATER: EmailState.DEFERRED,
    Fate.ACCOUNT_TROUBLE: EmailState.DEFERRED,
    Fate.REFUSED: EmailState.FAILED,
    Fate.IN_DOUBT: EmailState.IN_DOUBT,
}


def send_email(email_id: int, *, to_sink: bool = False) -> dict[str, Any]:
    """Send one mail if it is to be sent now, and report what became of it.

    May run any number of times and at the same time: the claim in the database lets
    one attempt through. `to_sink` delivers to the local mail sink instead of the
    account's server. Raises TransientError when another time may be better,
    RateLimited when the account's pace says not yet, and PermanentError when the
    account has to be put right (its campaign is paused then, nothing is lost).
    """
    try:
        email = claim(email_id, task_id=_task_id())
    except AccountTrouble as trouble:
        _pause_for(email_id, str(trouble))
        raise
    if email is None:
        _finish_campaign_of(email_id)
        return report(email_id)
    outcome = _attempt(email, to_sink)
    if outcome is not None:
        settle(
            Fence(email.pk, email.attempts),
            _STATE_AFTER[outcome.fate],
            outcome.detail,
            provider_id=outcome.provider_id,
        )
        if outcome.fate is Fate.TRY_LATER:
            raise TransientError(outcome.detail)
        if outcome.fate is Fate.ACCOUNT_TROUBLE:
            _pause_for(email_id, outcome.detail)
            raise AccountTrouble(outcome.detail)
    _finish_campaign_of(email_id)
    return report(email_id)


def report(email_id: int) -> dict[str, Any]:
    """Say where a mail stands, as JSON values."""
    email = Email.objects.get(pk=email_id)
    return {
        "email_id": email.pk,
        "state": email.state,
        "reason": email.reason,
        "detail": email.detail,
        "message_id": email.message_id,
    }


def _attempt(email: Email, to_sink: bool) -> Outcome | None:
    """Make the one attempt of a claim; None when the claim was lost on the way."""
    try:
        subject, content = compose(email)
        transport = transport_of(email.account, to_sink=to_sink)
    except InvalidInput as error:
        return Outcome(Fate.REFUSED, str(error))
    except AccountTrouble as trouble:
        return Outcome(Fate.ACCOUNT_TROUBLE, str(trouble))
    Email.objects.filter(pk=email.pk).update(subject=subject)
    envelope = Envelope(email.account.from_address, email.address, content)
    fence = Fence(email.pk, email.attempts)
    try:
        return transport.deliver(envelope, before_data=lambda: mark_data_started(fence))
    except LostClaim:
        return None


def _task_id() -> UUID | None:
    held = current_claim()
    return held.task_id if held else None


def _pause_for(email_id: int, trouble: str) -> None:
    email = Email.objects.select_related("campaign").get(pk=email_id)
    if email.campaign and email.campaign.state == CampaignState.RUNNING:
        pause(email.campaign.pk, reason=f"Paused by itself. {trouble}", must=False)


def _finish_campaign_of(email_id: int) -> None:
    campaign_id = (
        Email.objects.filter(pk=email_id).values_list("campaign_id", flat=True).first()
    )
    if campaign_id is not None:
        finish_if_done(campaign_id)
