"""Make leads of a text: what belongs together, each field with its place. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from leads.extracting.hours import find_hours
from leads.extracting.people import find_businesses, find_people
from leads.extracting.places import Address, find_addresses
from leads.extracting.reach import find_emails, find_phones, find_urls
from leads.extracting.spans import Found

#: Characters that are read; a longer text is cut and says so.
MOST_CHARACTERS = 50_000
#: What stands between two leads.
_GAP = re.compile(r"\n[ \t]*(?:[-_=*]{3,}[ \t]*)?\n\s*")


@dataclass
class TextLead:
    """One lead as a text speaks of it."""

    names: list[Found] = field(default_factory=list)
    businesses: list[Found] = field(default_factory=list)
    emails: list[Found] = field(default_factory=list)
    phones: list[Found] = field(default_factory=list)
    urls: list[Found] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    hours: list[Found] = field(default_factory=list)

    @property
    def is_reachable(self) -> bool:
        """Whether the text says how to reach it."""
        return bool(self.emails or self.phones or self.urls or self.addresses)

    @property
    def is_named(self) -> bool:
        """Whether the text says who it is."""
        return bool(self.names or self.businesses)

    def add(self, other: TextLead) -> None:
        """Take over what another part of the text says."""
        for name in self.__dataclass_fields__:
            getattr(self, name).extend(getattr(other, name))

    def as_json(self, text: str) -> dict[str, Any]:
        """Give the first of what is one, all of what may be several."""
        return {
            "name": self.names[0].as_json(text) if self.names else None,
            "business": self.businesses[0].as_json(text) if self.businesses else None,
            "emails": [each.as_json(text) for each in self.emails],
            "phones": [each.as_json(text) for each in self.phones],
            "urls": [each.as_json(text) for each in self.urls],
            "address": self.addresses[0].as_json(text) if self.addresses else None,
            "opening_hours": [each.as_json(text) for each in self.hours],
        }


def extract_leads(text: str, *, region: str = "US") -> dict[str, Any]:
    """Give the leads that a text speaks of, each field with the span it came from.

    `start` and `end` count characters of the text as it was given. `region` is the
    ISO 3166 country in whose notation telephone numbers are read.
    """
    read = text[:MOST_CHARACTERS]
    whole = _read(read, region)
    leads = [lead for lead in _cut(read, whole) if lead.is_named or lead.is_reachable]
    return {
        "leads": [lead.as_json(text) for lead in leads],
        "characters_read": len(read),
        "characters": len(text),
    }


def _read(text: str, region: str) -> TextLead:
    emails = find_emails(text)
    urls = find_urls(text, emails)
    addresses = find_addresses(text)
    places = [address.found for address in addresses]
    hours = find_hours(text)
    phones = find_phones(text, [*emails, *urls, *hours, *places], region=region)
    taken = [*emails, *urls, *hours, *places, *phones]
    return TextLead(
        names=find_people(text, taken),
        businesses=find_businesses(text, taken),
        emails=emails,
        phones=phones,
        urls=urls,
        addresses=addresses,
        hours=hours,
    )


def _cut(text: str, whole: TextLead) -> list[TextLead]:
    """Cut at blank lines, where the next part begins a lead of its own.

    That is where a name stands after a lead that has both a name and a way to it.
    """
    borders = [match.end() for match in _GAP.finditer(text)]
    leads = [TextLead()]
    for start, end in zip([0, *borders], [*borders, len(text)], strict=True):
        part = _part(whole, start, end)
        last = leads[-1]
        begins = part.businesses and part.is_reachable
        if begins and last.businesses and last.is_reachable:
            leads.append(part)
        else:
            last.add(part)
    return leads


def _part(whole: TextLead, start: int, end: int) -> TextLead:
    def inside(found: list[Found]) -> list[Found]:
        return [each for each in found if start <= each.start < end]

    return TextLead(
        names=inside(whole.names),
        businesses=inside(whole.businesses),
        emails=inside(whole.emails),
        phones=inside(whole.phones),
        urls=inside(whole.urls),
        addresses=[each for each in whole.addresses if start <= each.found.start < end],
        hours=inside(whole.hours),
    )
