"""Load what the main job needs: consent, a mail account, an invitation, a campaign.

Everything is made once and then left alone, so that what a person edits stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from campaigns.models import Account, Campaign, Step, Template
from fliptech_site.errors import InvalidInput
from leads.models import SourceConsent

ACCOUNT_NAME = "Sample account"
TEMPLATE_NAME = "Sample invitation"
CAMPAIGN_NAME = "Sample campaign"
_TEXTS = Path(__file__).with_name("invitation")


@dataclass(frozen=True)
class Loaded:
    """The campaign of the sample territory and what had to be made for it."""

    campaign: Campaign
    #: Names of what was made now; empty when everything was there.
    made: list[str]


def sample_url() -> str:
    """Return where the listing of the sample territory is served."""
    return f"http://craigslist.localhost:{settings.SAMPLE_PORT}"


def sink_address() -> tuple[str, int]:
    """Return host and port of the local mail sink; raises InvalidInput."""
    host, _, port = settings.MAIL_SINK.rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidInput(
            f"MAIL_SINK is {settings.MAIL_SINK!r}: write host:port, such as"
            " 127.0.0.1:8025."
        )
    return host.strip("[]"), int(port)


@transaction.atomic
def load_sample() -> Loaded:
    """Make what is missing and return the campaign; raises InvalidInput."""
    host, port = sink_address()
    made: list[str] = []
    consent, is_new = SourceConsent.objects.get_or_create(
        source="craigslist",
        base_url=sample_url(),
        defaults={
            "note": "The sample territory: made-up pages of our own on this machine."
        },
    )
    _note(made, is_new, f"consent for {consent}")
    account, is_new = Account.objects.get_or_create(
        name=ACCOUNT_NAME,
        defaults={
            "from_name": "Juniper Web Studio",
            "from_address": "hello@juniper-web-studio.example",
            "smtp_host": host,
            "smtp_port": port,
            "security": "none",
            "per_minute": 600,
            "postal_address": "12 Grange Street, Alder Point, CA 94995",
        },
    )
    _note(made, is_new, f"account {account}")
    template, is_new = Template.objects.get_or_create(
        name=TEMPLATE_NAME,
        defaults={
            "subject": _text("subject.liquid").strip(),
            # Its text part is made from it, so the two can't disagree.
            "body_html": _text("body.html.liquid"),
        },
    )
    _note(made, is_new, f"template {template}")
    campaign, is_new = Campaign.objects.get_or_create(
        name=CAMPAIGN_NAME, defaults={"account": account}
    )
    if is_new:
        Step.objects.create(campaign=campaign, number=1, template=template)
    _note(made, is_new, f"campaign {campaign}")
    return Loaded(campaign, made)


def _note(made: list[str], is_new: bool, what: str) -> None:
    if is_new:
        made.append(what)


def _text(name: str) -> str:
    return (_TEXTS / name).read_text(encoding="utf-8")
