"""Leads, scrapes, consents and suppressions in admin."""

from __future__ import annotations

from leads.admin.exports import LeadExportAdmin
from leads.admin.fetches import FetchAdmin
from leads.admin.gathering import ScrapeJobAdmin, SourceConsentAdmin
from leads.admin.hosts import (
    HostPaceAdmin,
    HostPauseAdmin,
    RobotsFileAdmin,
    StoredPageAdmin,
)
from leads.admin.imports import LeadImportAdmin
from leads.admin.lead import LeadAdmin
from leads.admin.pairs import LeadMergeAdmin, LeadPairAdmin
from leads.admin.suppression import SuppressionAdmin
from leads.admin.watching import RecurringScrapeAdmin, SourceNoticeAdmin

__all__ = [
    "FetchAdmin",
    "HostPaceAdmin",
    "HostPauseAdmin",
    "LeadAdmin",
    "LeadExportAdmin",
    "LeadImportAdmin",
    "LeadMergeAdmin",
    "LeadPairAdmin",
    "RecurringScrapeAdmin",
    "RobotsFileAdmin",
    "ScrapeJobAdmin",
    "SourceConsentAdmin",
    "SourceNoticeAdmin",
    "StoredPageAdmin",
    "SuppressionAdmin",
]
