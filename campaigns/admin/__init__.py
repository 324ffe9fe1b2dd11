"""Campaigns, their mails and the inbox in admin."""

from __future__ import annotations

from campaigns.admin.account import AccountAdmin
from campaigns.admin.campaign import CampaignAdmin, DailyFiguresAdmin
from campaigns.admin.conversation import ConversationAdmin
from campaigns.admin.email import EmailAdmin, RecipientAdmin, TrackingEventAdmin
from campaigns.admin.inbox import SinkMessageAdmin
from campaigns.admin.limit import SendingLimitAdmin
from campaigns.admin.mailbox import (
    DeliveryEventAdmin,
    IncomingMessageAdmin,
    MailboxAdmin,
    ProviderFeedAdmin,
)
from campaigns.admin.template import TemplateAdmin

__all__ = [
    "AccountAdmin",
    "CampaignAdmin",
    "ConversationAdmin",
    "DailyFiguresAdmin",
    "DeliveryEventAdmin",
    "EmailAdmin",
    "IncomingMessageAdmin",
    "MailboxAdmin",
    "ProviderFeedAdmin",
    "RecipientAdmin",
    "SendingLimitAdmin",
    "SinkMessageAdmin",
    "TemplateAdmin",
    "TrackingEventAdmin",
]
