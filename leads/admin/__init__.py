"""Leads, scrapes, consents and suppressions in admin."""

from __future__ import annotations

from leads.admin.exports import LeadExportAdmin
from leads.admin.gathering import FetchAdmin, ScrapeJobAdmin, SourceConsentAdmin
from leads.admin.imports import LeadImportAdmin
from leads.admin.lead import LeadAdmin
from leads.admin.pairs import LeadMergeAdmin, LeadPairAdmin
from leads.admin.suppression import SuppressionAdmin
from leads.admin.watching import RecurringScrapeAdmin, SourceNoticeAdmin

__all__ = [
    "FetchAdmin",
    "LeadAdmin",
    "LeadExportAdmin",
    "LeadImportAdmin",
    "LeadMergeAdmin",
    "LeadPairAdmin",
    "RecurringScrapeAdmin",
    "ScrapeJobAdmin",
    "SourceConsentAdmin",
    "SourceNoticeAdmin",
    "SuppressionAdmin",
]
