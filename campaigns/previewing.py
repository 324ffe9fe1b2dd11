"""Who would get a campaign's mail if it were launched now; nothing is written."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from campaigns.audience import select_leads
from campaigns.freezing import decide
from campaigns.models import Campaign, Recipient
from campaigns.pacing import batches_of
from campaigns.states import SkipReason

#: Leads that are looked at, the best first: the rest would take longer than a page may.
LIMIT = 5000
_CHUNK = 1000


class Preview(NamedTuple):
    """What a launch would do."""

    #: Leads of the audience that have no mail of this campaign yet.
    considered: int
    #: Of these, the best ones that were looked at.
    looked_at: int
    included: int
    #: Labels of reasons and how many leads each would skip, the most frequent first.
    skipped: list[tuple[str, int]]


def preview(campaign: Campaign) -> Preview:
    """Decide about the best leads as the launch would. Raises InvalidInput."""
    known = Recipient.objects.filter(
        campaign=campaign, state=Recipient.State.INCLUDED
    ).values("lead_id")
    leads = select_leads(campaign.audience).exclude(pk__in=known)
    ids = list(leads.order_by("-score", "id").values_list("pk", flat=True)[:LIMIT])
    reasons: Counter[SkipReason | None] = Counter()
    taken: set[str] = set()
    for chunk in batches_of(ids, _CHUNK):
        for decision in decide(campaign, chunk):
            reason = decision.skip.reason if decision.skip else None
            if reason is None and decision.address in taken:
                reason = SkipReason.ALREADY_MAILED
            taken.add(decision.address)
            reasons[reason] += 1
    included = reasons.pop(None, 0)
    skipped = [(str(reason.label), n) for reason, n in reasons.most_common() if reason]
    return Preview(leads.count(), len(ids), included, skipped)
