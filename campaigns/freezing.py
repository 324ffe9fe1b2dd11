"""Freeze a campaign's audience: each lead it considers gets a row that says yes or why not.

A thousand leads are one transaction that holds the campaign's row, so that a pause waits
for a moment only, a kill loses nothing, and whoever comes back goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from campaigns.audience import (
    Candidate,
    Skip,
    missing_consent_of,
    reason_to_skip,
    select_leads,
    usable_address,
)
from campaigns.bulk_rows import insert_rows, one_of
from campaigns.demo_links import leads_with_demo
from campaigns.models import Campaign, Email, Recipient
from campaigns.places import zone_of_lead
from campaigns.rotation import Rota, accounts_for, rota_of
from campaigns.send_times import due_times
from campaigns.split_tests import Split, split_of
from campaigns.states import REACHED, CampaignState, ConsentRule
from leads.models import Lead
from leads.suppression import suppressed_addresses
from tasks.cancelling import check_cancelled
from tasks.progressing import progress

#: Leads that are decided about with one set of queries, in one transaction.
_CHUNK = 3000
#: What of a lead the decision needs.
_FIELDS = (
    "id", "name", "score", "email", "country", "phone", "website", "legal_form",
    "legal_basis",
)  # fmt: skip
_PLACE = ("latitude", "longitude")


class Decision(NamedTuple):
    """What is decided about one lead."""

    lead_id: int
    #: Normalised; blank when there is none that can be written to.
    address: str
    #: None when it is written to.
    skip: Skip | None
    #: An IANA name; blank when it is not known or not needed.
    time_zone: str = ""


def freeze(campaign_id: int, since: datetime) -> int:
    """Write a recipient for every lead considered and an e-mail for every included one.

    Returns how many e-mails are new. Leads that are included already stay as they
    are; skipped ones are asked again, so a later launch may include them. `since` is
    the campaign's `freezing_since`: what was decided after it isn't decided again, and
    when the campaign has another, or may not grow now, this ends early.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    rota, split = rota_of(campaign), split_of(campaign, 1)
    undecided = _undecided(campaign, since)
    total, done, added = undecided.count(), 0, 0
    # Outside a transaction the ids come through a cursor that is held over commits.
    ids = undecided.order_by("-score", "id").values_list("pk", flat=True)
    for chunk in _chunks(ids.iterator(chunk_size=_CHUNK)):
        check_cancelled()
        new = _freeze_chunk(campaign_id, since, chunk, rota, split)
        if new is None:
            break
        added += new
        done += len(chunk)
        progress(done, total, "leads considered")
    return added


def decide(campaign: Campaign, lead_ids: Sequence[int]) -> Iterator[Decision]:
    """Yield what is decided about each lead.

    In the order of the ids: of two leads with one address the first is written to.
    """
    found = Lead.objects.filter(pk__in=one_of(lead_ids, "bigint")).values(
        *_FIELDS, *_PLACE
    )
    rows = {row["id"]: row for row in found}
    leads = [rows[lead_id] for lead_id in lead_ids if lead_id in rows]
    addresses = {lead["id"]: usable_address(lead["email"]) for lead in leads}
    written = [address for address in addresses.values() if address]
    suppressed = suppressed_addresses(written)
    demos = leads_with_demo(lead_ids)
    mailed = _mailed_lately(campaign, written)
    taken = _taken(campaign, written)
    for lead in leads:
        address = addresses[lead["id"]]
        candidate = Candidate(
            score=lead["score"],
            raw_address=lead["email"],
            address=address,
            is_suppressed=address in suppressed,
            has_demo=lead["id"] in demos,
            mailed_by=mailed.get(address, ""),
            consent_missing=missing_consent_of(
                ConsentRule(campaign.consent_rule),
                **{
                    name: lead[name]
                    for name in _FIELDS[1:]
                    if name not in ("score", "email")
                },
            ),
        )
        skip = reason_to_skip(
            candidate,
            threshold=campaign.threshold,
            quiet_days=campaign.quiet_days,
            taken=taken,
        )
        if skip is None:
            taken.add(address)
        zone = zone_of_lead(lead) if campaign.send_windows and skip is None else ""
        yield Decision(lead["id"], address, skip, zone)


def _undecided(campaign: Campaign, since: datetime) -> QuerySet[Lead]:
    return select_leads(campaign.audience).exclude(
        pk__in=_decided(campaign, since).values("lead_id")
    )


def _decided(campaign: Campaign, since: datetime) -> QuerySet[Recipient]:
    return Recipient.objects.filter(campaign=campaign).filter(
        Q(state=Recipient.State.INCLUDED) | Q(updated_at__gte=since)
    )


def _chunks(ids: Iterator[int]) -> Iterator[list[int]]:
    while chunk := list(islice(ids, _CHUNK)):
        yield chunk


def _freeze_chunk(
    campaign_id: int,
    since: datetime,
    lead_ids: Sequence[int],
    rota: Rota,
    split: Split,
) -> int | None:
    """Decide about some leads; returns the new mails, None when the freezing is over."""
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_for_update(of=("self",), no_key=True)
            .select_related("account")
            .filter(
                pk=campaign_id,
                freezing_since=since,
                state__in=(CampaignState.LAUNCHING, CampaignState.RUNNING),
            )
            .first()
        )
        if campaign is None:
            return None
        # Another run may have been here while this one was taken for dead.
        decided = _decided(campaign, since).filter(
            lead_id__in=one_of(lead_ids, "bigint")
        )
        known = set(decided.values_list("lead_id", flat=True))
        lead_ids = [each for each in lead_ids if each not in known]
        decisions = list(decide(campaign, lead_ids))
        recipient_ids = _write_recipients(campaign, decisions)
        return _write_emails(campaign, decisions, recipient_ids, rota, split)


def _write_recipients(
    campaign: Campaign, decisions: Sequence[Decision]
) -> dict[int, int]:
    """Write a row for each lead; returns their ids by the lead's."""
    included, skipped = Recipient.State.INCLUDED, Recipient.State.SKIPPED
    rows = insert_rows(
        Recipient(campaign=campaign),
        {
            "lead": [each.lead_id for each in decisions],
            "address": [each.address for each in decisions],
            "state": [skipped if each.skip else included for each in decisions],
            "reason": [each.skip.reason if each.skip else "" for each in decisions],
            "detail": [each.skip.detail if each.skip else "" for each in decisions],
            "time_zone": [each.time_zone for each in decisions],
        },
        # Skipped before, and asked again.
        ending=(
            "ON CONFLICT (campaign_id, lead_id) DO UPDATE SET address = excluded.address,"
            " state = excluded.state, reason = excluded.reason, detail = excluded.detail,"
            " time_zone = excluded.time_zone, updated_at = excluded.updated_at RETURNING lead_id, id"
        ),
    )
    return dict(rows)


def _write_emails(
    campaign: Campaign,
    decisions: Sequence[Decision],
    recipient_ids: dict[int, int],
    rota: Rota,
    split: Split,
) -> int:
    """Write the first mail of each lead that is included; returns how many."""
    included = [each for each in decisions if each.skip is None]
    if not included:
        return 0
    addresses = [each.address for each in included]
    accounts = accounts_for(rota, addresses)
    variants = [split.variant_for(address) for address in addresses]
    template_id = campaign.template.pk
    due_at = due_times(campaign, campaign.account.zone, timezone.now())
    insert_rows(
        Email(kind=Email.Kind.CAMPAIGN, campaign=campaign),
        {
            "account": [
                (variant and variant.account_id) or accounts[address]
                for variant, address in zip(variants, addresses, strict=True)
            ],
            "template": [
                (variant and variant.template_id) or template_id for variant in variants
            ],
            "variant": [variant and variant.pk for variant in variants],
            "due_at": [
                due_at(each.time_zone, variant.send_hour if variant else None)
                for each, variant in zip(included, variants, strict=True)
            ],
            "recipient": [recipient_ids[each.lead_id] for each in included],
            "lead": [each.lead_id for each in included],
            "address": addresses,
        },
    )
    return len(included)


def _taken(campaign: Campaign, addresses: Sequence[str]) -> set[str]:
    rows = Email.objects.filter(
        campaign=campaign, step=1, address__in=one_of(addresses, "text")
    )
    return set(rows.values_list("address", flat=True))


def _mailed_lately(campaign: Campaign, addresses: Sequence[str]) -> dict[str, str]:
    since = timezone.now() - timedelta(days=campaign.quiet_days)
    rows = (
        Email.objects.filter(
            address__in=one_of(addresses, "text"),
            kind=Email.Kind.CAMPAIGN,
            state__in=REACHED,
            claimed_at__gte=since,
        )
        .exclude(campaign=campaign)
        .values_list("address", "campaign__name")
    )
    return {address: name or "" for address, name in rows}
