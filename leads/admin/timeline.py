"""What happened to a lead, in order, and where it is: for its page in admin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from leads.admin.showing import outside_link
from leads.lead_events import told_elsewhere
from leads.models import Lead, LeadKey
from leads.outcomes import Outcome
from leads.sources.google_places import NAME as GOOGLE_MAPS

#: Events that are shown, the newest.
_MOST = 60
_Event = tuple[datetime, str, SafeString | str]


def timeline(lead: Lead) -> SafeString | str:
    """Show the events of a lead, the newest first."""
    events = sorted(_events(lead), key=lambda event: event[0], reverse=True)[:_MOST]
    rows = (
        (date_format(timezone.localtime(when), "j M Y, H:i"), what, where)
        for when, what, where in events
    )
    return format_html(
        '<ol style="border-left:2px solid #9ca3af66;padding-left:1rem;line-height:1.5">{}</ol>',
        format_html_join(
            "",
            '<li style="margin-bottom:.6rem"><span style="opacity:.85">{}</span><br>{} {}</li>',
            rows,
        ),
    )


def _events(lead: Lead) -> Iterator[_Event]:
    yield lead.first_seen_at, "First seen.", ""
    if lead.scored_at:
        yield lead.scored_at, f"Scored {lead.score}.", ""
    facts = lead.facts.order_by("source", "url", "fetched_at").values_list(
        "source", "url", "fetched_at", "field"
    )[: _MOST * 20]
    for (source, url), group in groupby(facts, key=lambda fact: fact[:2]):
        told = list(group)
        fields = ", ".join(dict.fromkeys(fact[3].replace("_", " ") for fact in told))
        yield (
            told[-1][2],
            f"{source.replace('_', ' ')} said: {fields}.",
            outside_link(url),
        )
    for fetch in lead.fetches.order_by("-created_at")[:_MOST]:
        outcome = Outcome(fetch.outcome).label if fetch.outcome else "under way"
        asked = "Page" if fetch.purpose == fetch.Purpose.PAGE else "robots.txt"
        what = f"{asked} asked for: {outcome}. {fetch.reason}".strip()
        yield fetch.created_at, what, outside_link(fetch.url)
    for merge in lead.merges.order_by("-created_at")[:_MOST]:
        name = merge.name or "A listing"
        yield merge.created_at, f"{name} was the same by {merge.key_kind}.", ""
    for posting in lead.postings.order_by("-first_seen_at")[:_MOST]:
        what = f"Listed at {posting.source.replace('_', ' ')}: {posting.title or posting.key}."
        yield posting.first_seen_at, what, outside_link(posting.url)
    for event in told_elsewhere(lead.pk):
        where = format_html('<a href="{}">Show</a>', event.path) if event.path else ""
        yield event.at, event.what, where


def map_link(lead: Lead) -> SafeString | str:
    """Link to a map: to Google's own for a place of Google's, as its terms want it."""
    key = lead.keys.filter(
        kind=LeadKey.Kind.LISTING, value__startswith=f"{GOOGLE_MAPS}:"
    ).first()
    if key is not None:
        place = key.value.partition(":")[2]
        query = urlencode({"api": 1, "query": "place", "query_place_id": place})
        return _link(f"https://www.google.com/maps/search/?{query}", "Google Maps")
    if lead.latitude is not None and lead.longitude is not None:
        at = f"{lead.latitude:.6f}", f"{lead.longitude:.6f}"
        query = urlencode({"mlat": at[0], "mlon": at[1]})
        address = f"https://www.openstreetmap.org/?{query}#map=17/{at[0]}/{at[1]}"
        return _link(address, "OpenStreetMap")
    parts = (lead.street, lead.city, lead.region, lead.postal_code, lead.country)
    if not lead.city and not lead.street:
        return "Its place is not known."
    query = urlencode({"query": ", ".join(part for part in parts if part)})
    return _link(f"https://www.openstreetmap.org/search?{query}", "OpenStreetMap")


def _link(url: str, text: str) -> SafeString:
    return format_html(
        '<a href="{}" rel="noreferrer noopener nofollow" target="_blank">Show on {}</a>',
        url,
        text,
    )


def attribution(lead: Lead) -> str:
    """Name whom the sources' terms want named beside this lead's data."""
    named = lead.postings.exclude(attribution="").values_list("attribution", flat=True)
    return ", ".join(dict.fromkeys(", ".join(named.distinct()).split(", "))) or "–"
