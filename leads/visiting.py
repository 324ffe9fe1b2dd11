"""Find or make the lead whose website a person wants to be visited."""

from __future__ import annotations

from django.utils import timezone

from fliptech_site.addresses import parse_target
from fliptech_site.errors import InvalidInput
from leads.merging import store_record, surviving_id
from leads.records import LeadRecord


def lead_to_visit(lead_id: int = 0, url: str = "") -> int:
    """Give the lead with this id or this website, a new one if nobody knows the site.

    Raises InvalidInput when neither names one, AddressRefused for no web address.
    """
    if lead_id:
        return surviving_id(lead_id)
    if not url:
        raise InvalidInput("No website is named: give --lead or --url.")
    record = LeadRecord(
        values={"website": url},
        source="import",
        url="",
        fetched_at=timezone.now(),
        # Until its page says the name.
        fallback_name=parse_target(url).host.removeprefix("www."),
    )
    return store_record(record).lead_id
