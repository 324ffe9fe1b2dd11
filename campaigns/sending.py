"""Send e-mails: claim, compose, one attempt each, outcomes; each step committed.

Mails of one account and campaign may go together: marked in one commit, sent one after
the other over one connection, recorded in one commit. A crash leaves those in doubt that
were marked, so how many go together is the account's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count

from campaigns.attempting import CutShort, attempt
from campaigns.claiming import claim_together, rate_limited
from campaigns.fates import AccountTrouble
from campaigns.launching import finish_if_done, pause
from campaigns.models import Email
from campaigns.states import CampaignState
from fliptech_site.errors import RateLimited, TransientError
from tasks.current import current_claim


def send_email(email_id: int, *, to_sink: bool = False) -> dict[str, Any]:
    """Send one mail if it is to be sent now, and report what became of it.

    May run any number of times and at the same time: the claim in the database lets
    one attempt through. `to_sink` delivers to the local mail sink instead of the
    account's server. Raises TransientError when another time may be better,
    RateLimited when a limit says not yet, and PermanentError when the account has to
    be put right (its campaign is paused then, nothing is lost).
    """
    _send([email_id], to_sink=to_sink)
    return report(email_id)


def send_together(email_ids: Sequence[int]) -> dict[str, int]:
    """Send mails of one account and campaign together; returns how many are how.

    Otherwise as `send_email`: what went is recorded before anything is raised.
    """
    _send(email_ids)
    states = Email.objects.filter(pk__in=email_ids).values_list("state")
    return dict(states.annotate(n=Count("*")).order_by())


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


def _send(email_ids: Sequence[int], *, to_sink: bool = False) -> None:
    try:
        claimed = claim_together(email_ids, task_id=_task_id(), to_sink=to_sink)
        result = attempt(claimed, to_sink=to_sink)
        while result.cut_short == CutShort.NOT_WANTED:
            # The rest was not begun: it says why, is skipped, or goes on.
            claimed = claim_together(email_ids, task_id=_task_id(), to_sink=to_sink)
            result = attempt(claimed, to_sink=to_sink)
        _finish_campaign_of(email_ids[0])
        if result.trouble:
            raise AccountTrouble(result.trouble)
    except AccountTrouble as trouble:
        _pause_for(email_ids[0], str(trouble))
        raise
    if result.later:
        raise TransientError(result.later)
    if result.cut_short == CutShort.TIME:
        raise RateLimited("The rest goes on in another run.", retry_after=0.0)
    if claimed.wait is not None:
        raise rate_limited(claimed.wait)


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
