"""The tables of the room `leads`."""

from __future__ import annotations

from leads.models.files import LeadExport, LeadImport
from leads.models.gathering import (
    Fetch,
    FieldBaseline,
    Posting,
    ScrapeJob,
    SourceConsent,
)
from leads.models.hosts import HostPace, HostPause, RobotsFile, StoredPage
from leads.models.lead import Lead, LeadFact, LeadKey, LeadMerge
from leads.models.matching import LeadBlock, LeadMatching, LeadPair
from leads.models.suppression import Suppression
from leads.models.watching import RecurringScrape, SourceNotice

__all__ = [
    "Fetch",
    "FieldBaseline",
    "HostPace",
    "HostPause",
    "Lead",
    "LeadBlock",
    "LeadExport",
    "LeadFact",
    "LeadImport",
    "LeadKey",
    "LeadMatching",
    "LeadMerge",
    "LeadPair",
    "Posting",
    "RecurringScrape",
    "RobotsFile",
    "ScrapeJob",
    "SourceConsent",
    "SourceNotice",
    "StoredPage",
    "Suppression",
]
