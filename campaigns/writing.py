"""Write mails that belong to no campaign: to one lead, or a test to oneself.

The row comes first; `request_key` names what asked for it, so that asking again, after
a crash or by a second click, finds the same row.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from campaigns.audience import usable_address
from campaigns.lanes import AT_ONCE
from campaigns.launching import check_account
from campaigns.models import Account, Campaign, Email, Template
from campaigns.reviewing import best_lead
from campaigns.sending import send_email
from campaigns.states import SENDABLE
from fliptech_site.errors import InvalidInput
from leads.models import Lead
from tasks.current import current_claim
from tasks.enqueueing import DEFAULT_PRIORITY, enqueue


def write_single(
    lead: Lead, template: Template, account: Account, *, request_key: str = ""
) -> Email:
    """Write one mail to one lead; `sending.send_email` or its actor sends it.

    Raises InvalidInput for a lead without a usable address.
    """
    address = usable_address(lead.email)
    if not address:
        raise InvalidInput(
            f"{lead.name} has no address that can be written to: correct the lead's"
            " e-mail."
        )
    email, _ = Email.objects.get_or_create(
        request_key=request_key or f"single:{uuid4()}",
        defaults={
            "kind": Email.Kind.SINGLE,
            "lead": lead,
            "account": account,
            "template": template,
            "address": address,
        },
    )
    return email


def enqueue_single(email: Email) -> None:
    """Let a worker send a single mail; works while RabbitMQ is down.

    An answer overtakes the other mails.
    """
    task_id = enqueue(
        "send_single_email",
        priority=AT_ONCE if email.is_answer else DEFAULT_PRIORITY,
        unique_key=f"email:{email.pk}",
        email_id=email.pk,
    )
    # So that its page can tell where its task is, and the sweep plans no second one.
    waiting = Email.objects.filter(pk=email.pk, state__in=SENDABLE)
    waiting.update(task_id=task_id)


def request_test(
    campaign_id: int,
    address: str,
    *,
    lead_id: int | None = None,
    test_mode: bool = True,
) -> None:
    """Enqueue a test mail of a campaign to oneself. Raises InvalidInput.

    It is filled in for `lead_id`, or for the best lead that has a demo site.
    """
    campaign = _campaign(campaign_id)
    usable = _usable(address)
    if lead_id is not None:
        _lead(lead_id)
    if not test_mode:
        check_account(campaign.account)
    enqueue(
        "send_test_email",
        priority=AT_ONCE,
        campaign_id=campaign_id,
        address=usable,
        test_mode=test_mode,
        lead_id=lead_id,
    )


def send_test(
    campaign_id: int, address: str, *, test_mode: bool, lead_id: int | None = None
) -> dict[str, Any]:
    """Send a campaign's mail to oneself, filled in for a lead, or for the best one.

    With `test_mode` it goes to the local mail sink, which no limit holds up, else through
    the account's server (which TEST_MODE still keeps on this machine) at the pace that
    this can take. It is marked [Test], is not tracked and counts nowhere.
    """
    campaign = _campaign(campaign_id)
    held = current_claim()
    lead = best_lead() if lead_id is None else _lead(lead_id)
    email, _ = Email.objects.get_or_create(
        request_key=f"test:{held.task_id if held else uuid4()}",
        defaults={
            "kind": Email.Kind.TEST,
            "lead": lead,
            "account": campaign.account,
            "template": campaign.template,
            "address": _usable(address),
        },
    )
    return send_email(email.pk, to_sink=test_mode)


def _lead(lead_id: int) -> Lead:
    lead = Lead.objects.filter(pk=lead_id).first()
    if lead is None:
        raise InvalidInput(f"There is no lead {lead_id}.")
    return lead


def _usable(address: str) -> str:
    usable = usable_address(address)
    if not usable:
        raise InvalidInput(
            f"{address!r} is not an address that can be written to: correct it."
        )
    return usable


def _campaign(campaign_id: int) -> Campaign:
    campaign = Campaign.objects.select_related("account").filter(pk=campaign_id).first()
    if campaign is None:
        raise InvalidInput(f"There is no campaign {campaign_id}.")
    return campaign
