"""The tables of the room `campaigns`."""

from __future__ import annotations

from campaigns.models.account import Account
from campaigns.models.campaign import Campaign, Recipient
from campaigns.models.conversation import (
    Conversation,
    IncomingMessage,
    WrittenAnswer,
)
from campaigns.models.counts import (
    Change,
    Count,
    DailyFigures,
    DomainCount,
    HourlyCount,
    LeadReaction,
    Reaction,
)
from campaigns.models.delivery import DeliveryEvent, ProviderFeed
from campaigns.models.email import Email
from campaigns.models.evidence import Evidence
from campaigns.models.limit import SendingLimit
from campaigns.models.mailbox import Mailbox, MailboxFolder
from campaigns.models.report import DailyReport
from campaigns.models.rotation import CampaignAccount
from campaigns.models.sink import SinkMessage
from campaigns.models.step import Step
from campaigns.models.template import Template, TemplateFile, TemplateVersion
from campaigns.models.tracking import TrackingEvent
from campaigns.models.variant import Variant

__all__ = [
    "Account",
    "Campaign",
    "CampaignAccount",
    "Change",
    "Conversation",
    "Count",
    "DailyFigures",
    "DailyReport",
    "DeliveryEvent",
    "DomainCount",
    "Email",
    "Evidence",
    "HourlyCount",
    "IncomingMessage",
    "LeadReaction",
    "Mailbox",
    "MailboxFolder",
    "ProviderFeed",
    "Reaction",
    "Recipient",
    "SendingLimit",
    "SinkMessage",
    "Step",
    "Template",
    "TemplateFile",
    "TemplateVersion",
    "TrackingEvent",
    "Variant",
    "WrittenAnswer",
]
