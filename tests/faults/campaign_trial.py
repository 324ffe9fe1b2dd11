"""What the campaign under fire is made of and told, in a process of its installation."""

from __future__ import annotations

import collections
from typing import Any

import django
from django.db.models import Count
from django.utils import timezone

django.setup()

from campaigns import launching, retrying  # noqa: E402 - Django comes first
from campaigns.explaining import explain  # noqa: E402
from campaigns.models import Campaign, CampaignAccount, Email  # noqa: E402
from campaigns.states import OPEN  # noqa: E402
from tasks.limit_rows import Counter  # noqa: E402
from tasks.models import Task  # noqa: E402
from tests.bench.mail_rows import make_account, make_campaign, make_leads  # noqa: E402


def prepare(
    port: int,
    recipients: int,
    per_minute: int,
    windows: list[tuple[int, int]],
    daily_cap: int | None = None,
) -> int:
    """Make leads, a campaign and an account for each window and share; returns its id."""
    make_leads(recipients)
    values = {"per_minute": per_minute, "daily_cap": daily_cap}
    accounts = {
        make_account(port, window=window, **values): share for window, share in windows
    }
    campaign = make_campaign(next(iter(accounts)), state="draft")
    for account, share in accounts.items():
        CampaignAccount.objects.create(campaign=campaign, account=account, weight=share)
    return campaign.pk


def launch(campaign_id: int) -> None:
    """Enqueue the launch."""
    launching.request_launch(campaign_id)


def pause(campaign_id: int) -> None:
    """Pause it, if it runs."""
    launching.pause(campaign_id, must=False)


def cancel(campaign_id: int) -> int:
    """End it for good; returns how many mails do not go."""
    return launching.cancel(campaign_id)


def another(campaign_id: int) -> int:
    """Launch a second campaign through the account of the first; returns its id."""
    first = Campaign.objects.get(pk=campaign_id)
    campaign = make_campaign(first.account, state="draft")
    launching.request_launch(campaign.pk)
    return campaign.pk


def state_of(campaign_id: int) -> str:
    """Give a campaign's state."""
    return Campaign.objects.get(pk=campaign_id).state


def account_of() -> dict[str, Any]:
    """Give what is burned: mails by state and attempts, and what days were counted."""
    mails = Email.objects.values_list("state", "attempts").annotate(n=Count("*"))
    days = Counter.objects.filter(key__startswith="email:day:account:")
    return {
        "mails": sorted(map(list, mails.order_by())),
        "counted": sum(days.values_list("value", flat=True)),
    }


def resume(campaign_id: int) -> None:
    """Let it go on."""
    launching.resume(campaign_id)


def retry() -> dict[str, int]:
    """Do what `retry_failed_emails` does every 15 minutes."""
    return retrying.retry_failed()


def count_open() -> int:
    """Count the mails that are not at their end yet."""
    return Email.objects.filter(state__in=OPEN).count()


def unfinished() -> list[tuple[str, int]]:
    """Say what is not at its end: campaign, mails and tasks by state and reason."""
    campaigns = Campaign.objects.values_list("state", "state_reason")
    mails = Email.objects.values_list("state", "detail")
    now = timezone.now()
    tasks = [
        (*what, "later" if run_at > now else "due")
        for *what, run_at in Task.objects.exclude(state="succeeded").values_list(
            "actor", "state", "error_message", "run_at"
        )
    ]
    seen = collections.Counter(
        str(what) for rows in (campaigns, mails, tasks) for what in rows
    )
    return seen.most_common(40)


def fates() -> list[tuple[str, str, str]]:
    """Give address, state and sentence of every mail."""
    emails = Email.objects.select_related("campaign")
    return [
        (email.address, email.state, explain(email, email.campaign)) for email in emails
    ]
