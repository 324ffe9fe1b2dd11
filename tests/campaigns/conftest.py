from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Account, Campaign, Email, Recipient, Step, Template
from demos.models import DemoSite
from leads.models import Lead
from tests.campaigns.mail_server import MailServer

_numbers = itertools.count(1)


@pytest.fixture
def server():
    with MailServer() as running:
        yield running


@pytest.fixture
def make_account():
    def make(port=25, **values):
        values = {
            "name": f"account {next(_numbers)}",
            "from_name": "Ada of Brightside Web",
            "from_address": "ada@brightside.example",
            "postal_address": "1 Main Street, Springfield",
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "security": "none",
            "per_minute": 6000,
            **values,
        }
        password = values.pop("password", "")
        account = Account(**values)
        account.password = password
        account.save()
        return account

    return make


@pytest.fixture
def make_template():
    def make(**values):
        return Template.objects.create(
            **{
                "name": f"template {next(_numbers)}",
                "subject": "A new site for {{ lead.name }}",
                "body_html": (
                    "<p>Hello {{ lead.name }} in {{ lead.city | default: 'town' }},"
                    ' <a href="{{ demo.url }}">have a look</a>.</p>'
                ),
                **values,
            }
        )

    return make


@pytest.fixture
def make_lead():
    def make(*, demo=True, **values):
        number = next(_numbers)
        lead = Lead.objects.create(
            **{
                "name": f"Bakery {number}",
                "email": f"owner{number}@bakery{number}.example",
                "score": 80,
                **values,
            }
        )
        if demo:
            make_demo(lead)
        return lead

    return make


def make_demo(lead, **values):
    now = timezone.now()
    return DemoSite.objects.create(
        **{
            "lead": lead,
            "state": "published",
            "build": "a" * 64,
            "published_at": now,
            "expires_at": now + timedelta(days=30),
            **values,
        }
    )


@pytest.fixture
def make_campaign(make_account, make_template):
    def make(*, account=None, template=None, port=25, **values):
        campaign = Campaign.objects.create(
            **{
                "name": f"campaign {next(_numbers)}",
                "account": account or make_account(port),
                "state": "running",
                **values,
            }
        )
        Step.objects.create(campaign=campaign, template=template or make_template())
        return campaign

    return make


@pytest.fixture
def make_email(make_campaign, make_lead):
    """An e-mail as launching writes it, in a running campaign."""

    def make(*, campaign=None, lead=None, port=25, **values):
        campaign = campaign or make_campaign(port=port)
        lead = lead or make_lead()
        recipient = Recipient.objects.create(
            campaign=campaign, lead=lead, address=lead.email, state="included"
        )
        return Email.objects.create(
            **{
                "campaign": campaign,
                "recipient": recipient,
                "lead": lead,
                "account": campaign.account,
                "template": campaign.template,
                "address": lead.email,
                **values,
            }
        )

    return make
