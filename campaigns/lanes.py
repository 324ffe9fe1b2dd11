"""The lines in which mails wait for a place; who leaves one makes room for others.

Places are only times to ask at: what may go is decided inside the claim. So a line that is
shortened too much costs some questions and lets no mail go too early.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from campaigns.models import Account, Campaign, Email
from campaigns.states import SENDABLE, CampaignState
from tasks.limits import forget, next_free, shorten
from tasks.models import Task
from tasks.states import UNFINISHED

#: Priority of the tasks of mails for which a person waits: they stand in no line.
AT_ONCE = 10
#: Follow-ups overtake first mails whose line is longer than this.
LONG_LINE = timedelta(hours=1)


def line_of(account_id: int) -> str:
    """Give the key of the line in which an account's mails are planned."""
    return f"email:plan:{account_id}"


def line_at(account_id: int, moment: datetime) -> str:
    """Give the key of the line of mails that may not go before `moment`."""
    return f"email:plan-at:{account_id}:{moment:%Y-%m-%dT%H:%M}"


def line_of_follow_ups(account_id: int) -> str:
    """Give the key of the line of follow-ups, which is theirs alone if others' is long.

    A person who was written to expects the next mail; a new one expects none.
    """
    line = line_of(account_id)
    is_long = next_free(line, interval_seconds=0.0) > timezone.now() + LONG_LINE
    return f"email:plan-follow:{account_id}" if is_long else line


def leave_lines(campaign_id: int) -> None:
    """Free the places of a campaign that does not run any more, after the commit.

    Else the next one of the same account would wait behind mails that never go.
    """
    transaction.on_commit(lambda: _leave(campaign_id), robust=True)


def _leave(campaign_id: int) -> None:
    for account in _accounts_of(campaign_id):
        shorten(line_of(account.pk), _last_place_of_others(account, campaign_id))
        forget(f"email:plan-at:{account.pk}")
        forget(f"email:plan-follow:{account.pk}")
        for limit in ("account", "gap", "day:account"):
            forget(f"again:email:{limit}:{account.pk}")
    for limit in ("day:campaign", "day:new"):
        forget(f"again:email:{limit}:{campaign_id}")


def _accounts_of(campaign_id: int) -> list[Account]:
    named = (
        Q(campaigns=campaign_id)
        | Q(rotations__campaign=campaign_id)
        | Q(variants__campaign=campaign_id)
    )
    return list(Account.objects.filter(named).distinct().order_by("pk"))


def _last_place_of_others(account: Account, campaign_id: int) -> datetime:
    running = Campaign.objects.filter(state=CampaignState.RUNNING)
    others = list(running.exclude(pk=campaign_id).values_list("pk", flat=True))
    if not others:
        return timezone.now()
    waiting = Email.objects.filter(
        campaign__in=others, account=account, state__in=SENDABLE
    )
    planned = Task.objects.filter(
        pk__in=waiting.values("task_id"), state__in=UNFINISHED
    )
    last: datetime | None = planned.aggregate(last=Max("run_at"))["last"]
    return max(last or timezone.now(), timezone.now())
