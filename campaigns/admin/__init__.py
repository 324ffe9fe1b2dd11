"""Campaigns, their mails and the inbox in admin."""

from __future__ import annotations

from campaigns.admin.account import AccountAdmin
from campaigns.admin.campaign import CampaignAdmin, DailyFiguresAdmin
from campaigns.admin.email import EmailAdmin, RecipientAdmin, TrackingEventAdmin
from campaigns.admin.inbox import SinkMessageAdmin
from campaigns.admin.template import TemplateAdmin

__all__ = [
    "AccountAdmin",
    "CampaignAdmin",
    "DailyFiguresAdmin",
    "EmailAdmin",
    "RecipientAdmin",
    "SinkMessageAdmin",
    "TemplateAdmin",
    "TrackingEventAdmin",
]
