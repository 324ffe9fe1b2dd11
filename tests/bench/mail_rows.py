"""The campaign that is sent in the benchmarks of mail, as rows and as texts."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from campaigns.models import Account, Campaign, Email, Recipient, Step, Template
from demos.models import DemoSite
from leads.models import Lead

#: Rows that are made at once.
CHUNK = 2000
SUBJECT = "A new site for {{ lead.name }}"
HTML = """
<p>Hello {{ lead.name }},</p>
<p>people in {{ lead.city }} look for a {{ lead.category }} on their phones. We looked at
your site and made you one that shows opening hours, the way and what you offer at a
glance: <a href="{{ demo.url }}">have a look at it</a>.</p>
<ul><li>It loads in a second.</li><li>It reads well on every screen.</li>
<li>You can change every word yourself.</li></ul>
<p>{% if lead.phone != '' %}We have put {{ lead.phone }} where a thumb finds it.
{% endif %}Tell us what you think, and whether we should take it down again.</p>
<p>Kind regards<br>{{ sender.name }}</p>
"""


def make_account(port: int, **values: object) -> Account:
    """Make an account that delivers to this port."""
    return Account.objects.create(
        **{
            "name": f"account {Account.objects.count() + 1}",
            "from_name": "Ada of Brightside Web",
            "from_address": "ada@brightside.example",
            "postal_address": "1 Main Street, Springfield",
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "security": "none",
            "per_minute": 600_000,
            "window": 50,
            "mails_per_connection": 1000,
            **values,
        }
    )


def make_leads(count: int) -> None:
    """Make so many leads with published demos; a few thousand are in memory at a time."""
    for start in range(0, count, CHUNK):
        _make_some(range(start, min(start + CHUNK, count)))


def _make_some(numbers: range) -> None:
    now = timezone.now()
    leads = Lead.objects.bulk_create(
        [
            Lead(
                name=f"Bakery {number}",
                email=f"owner{number}@bakery{number}.example",
                category="bakery",
                city="Alder Point",
                phone="+14155550123",
                score=80,
            )
            for number in numbers
        ]
    )
    DemoSite.objects.bulk_create(
        [
            DemoSite(
                lead=lead,
                state="published",
                build="a" * 64,
                published_at=now,
                expires_at=now + timedelta(days=30),
            )
            for lead in leads
        ]
    )


def make_campaign(account: Account, *, state: str = "running") -> Campaign:
    """Make a campaign of one step."""
    template = Template.objects.create(
        name=f"template {Template.objects.count() + 1}", subject=SUBJECT, body_html=HTML
    )
    campaign = Campaign.objects.create(
        name=f"campaign {Campaign.objects.count() + 1}",
        account=account,
        state=state,
        quiet_days=0 if state == "draft" else 30,
    )
    Step.objects.create(campaign=campaign, number=1, template=template)
    return campaign


def make_emails(campaign: Campaign, count: int) -> None:
    """Give a campaign a waiting mail for each of the first leads, as a launch does."""
    template = campaign.steps.get().template
    recipients = Recipient.objects.bulk_create(
        [
            Recipient(
                campaign=campaign, lead=lead, address=lead.email, state="included"
            )
            for lead in Lead.objects.order_by("pk")[:count]
        ]
    )
    Email.objects.bulk_create(
        [
            Email(
                campaign=campaign,
                recipient=recipient,
                lead_id=recipient.lead_id,
                account_id=campaign.account_id,
                template=template,
                address=recipient.address,
            )
            for recipient in recipients
        ],
        batch_size=CHUNK,
    )


def forget_everything() -> None:
    """Empty every table that a round fills."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE campaigns_email, campaigns_recipient, campaigns_campaign,"
            " campaigns_template, campaigns_account, leads_lead, tasks_task,"
            " tasks_worker, tasks_pace CASCADE"
        )
