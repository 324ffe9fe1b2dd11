"""Freeze a campaign's audience: every active lead gets a row that says yes or why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

from django.utils import timezone

from campaigns.audience import Candidate, reason_to_skip, usable_address
from campaigns.demo_links import demo_urls
from campaigns.models import Campaign, Email, Recipient
from campaigns.rotation import accounts_for, rota_of
from campaigns.states import REACHED
from leads.models import Lead
from leads.suppression import suppressed_addresses

#: Leads that are decided about with one set of queries.
_CHUNK = 1000


def freeze(campaign: Campaign) -> int:
    """Write a recipient for every active lead and an e-mail for every included one.

    Returns how many e-mails are new. Leads that are included already stay as they
    are; skipped ones are asked again, so a later launch may include them. To be
    called with the campaign's row locked.
    """
    emails = Email.objects.filter(campaign=campaign, step=1)
    taken = set(emails.values_list("address", flat=True))
    template_id = campaign.template.pk
    rota = rota_of(campaign)
    added = 0
    for leads in _chunks(_undecided(campaign)):
        recipients = _decide(campaign, leads, taken)
        Recipient.objects.bulk_create(
            recipients,
            update_conflicts=True,
            unique_fields=["campaign", "lead"],
            update_fields=["address", "state", "reason", "detail", "updated_at"],
        )
        new = [r for r in recipients if r.state == Recipient.State.INCLUDED]
        accounts = accounts_for(rota, [each.address for each in new])
        Email.objects.bulk_create(
            [_email_for(each, template_id, accounts[each.address]) for each in new]
        )
        added += len(new)
    return added


def _undecided(campaign: Campaign) -> Iterator[Lead]:
    included = Recipient.objects.filter(
        campaign=campaign, state=Recipient.State.INCLUDED
    )
    # Best first: when two leads share an address, the better one is written to.
    leads = (
        Lead.objects.active()
        .exclude(pk__in=included.values("lead_id"))
        .only("id", "score", "email")
        .order_by("-score", "id")
    )
    return leads.iterator(chunk_size=_CHUNK)


def _chunks(leads: Iterator[Lead]) -> Iterator[list[Lead]]:
    while chunk := list(islice(leads, _CHUNK)):
        yield chunk


def _decide(
    campaign: Campaign, leads: Sequence[Lead], taken: set[str]
) -> list[Recipient]:
    addresses = {lead.pk: usable_address(lead.email) for lead in leads}
    written = [address for address in addresses.values() if address]
    suppressed = suppressed_addresses(written)
    demos = demo_urls([lead.pk for lead in leads])
    mailed = _mailed_lately(campaign, written)
    recipients = []
    for lead in leads:
        address = addresses[lead.pk]
        candidate = Candidate(
            score=lead.score,
            raw_address=lead.email,
            address=address,
            is_suppressed=address in suppressed,
            has_demo=lead.pk in demos,
            mailed_by=mailed.get(address, ""),
        )
        skip = reason_to_skip(
            candidate,
            threshold=campaign.threshold,
            quiet_days=campaign.quiet_days,
            taken=taken,
        )
        if skip is None:
            taken.add(address)
        recipients.append(
            Recipient(
                campaign=campaign,
                lead=lead,
                address=address,
                state=Recipient.State.SKIPPED if skip else Recipient.State.INCLUDED,
                reason=skip.reason if skip else "",
                detail=skip.detail if skip else "",
                updated_at=timezone.now(),
            )
        )
    return recipients


def _mailed_lately(campaign: Campaign, addresses: Sequence[str]) -> dict[str, str]:
    since = timezone.now() - timedelta(days=campaign.quiet_days)
    rows = (
        Email.objects.filter(
            address__in=addresses,
            kind=Email.Kind.CAMPAIGN,
            state__in=REACHED,
            claimed_at__gte=since,
        )
        .exclude(campaign=campaign)
        .values_list("address", "campaign__name")
    )
    return {address: name or "" for address, name in rows}


def _email_for(recipient: Recipient, template_id: int, account_id: int) -> Email:
    return Email(
        kind=Email.Kind.CAMPAIGN,
        campaign_id=recipient.campaign_id,
        recipient=recipient,
        lead_id=recipient.lead_id,
        account_id=account_id,
        template_id=template_id,
        address=recipient.address,
    )
