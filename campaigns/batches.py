"""Plan mails as tasks at the pace of their account.

A mail has at most one unfinished task: planning again, after a crash or a second
launch, adds only what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from campaigns.lanes import AT_ONCE, line_at, line_of, line_of_follow_ups
from campaigns.models import Campaign, Email
from campaigns.pacing import batches_of, rate_of
from campaigns.states import SENDABLE, CampaignState
from fliptech_site.errors import InvalidInput
from tasks.enqueueing import DEFAULT_PRIORITY, enqueue_many
from tasks.limits import hold_until, reserve
from tasks.models import Task
from tasks.states import UNFINISHED

BATCH_SIZE = 50
#: Mails that one task may send together; as `Account.window` has it.
LARGEST_BATCH = 500

_ACTOR = {
    Email.Kind.CAMPAIGN: "send_campaign_email",
    Email.Kind.SINGLE: "send_single_email",
}
#: Mails due this much later wait in a line of their own moment.
_SOON = timedelta(minutes=1)
#: What is paused or over takes no places from others.
_MAY_GO = Q(campaign=None) | Q(campaign__state=CampaignState.RUNNING)
_TOGETHER = "send_campaign_emails_together"


def unplanned(emails: QuerySet[Email]) -> QuerySet[Email]:
    """Keep the mails that could be sent and have no unfinished task."""
    task = Task.objects.filter(pk=OuterRef("task_id"), state__in=UNFINISHED)
    return emails.filter(~Exists(task), state__in=SENDABLE)


def send_all(campaign_id: int) -> dict[str, int]:
    """Enqueue every mail of a running campaign that has no task yet, in batches."""
    if not Campaign.objects.filter(
        pk=campaign_id, state=CampaignState.RUNNING
    ).exists():
        return {"campaign_id": campaign_id, "emails": 0, "batches": 0}
    emails = Email.objects.filter(campaign_id=campaign_id)
    rows = unplanned(emails).order_by("account_id", "id")
    batches = [
        batch
        for (_, window), group in groupby(
            rows.values_list("account_id", "account__window", "pk").iterator(),
            key=lambda row: row[:2],
        )
        for batch in batches_of([row[2] for row in group], _batch_size(window))
    ]
    enqueue_many(
        "process_campaign_batch",
        ({"campaign_id": campaign_id, "email_ids": batch} for batch in batches),
    )
    return {
        "campaign_id": campaign_id,
        "emails": sum(len(batch) for batch in batches),
        "batches": len(batches),
    }


def _batch_size(window: int) -> int:
    """Give how many mails are planned at once: whole windows, where mails go together."""
    return BATCH_SIZE if window == 1 else LARGEST_BATCH - LARGEST_BATCH % window


def plan(email_ids: Sequence[int]) -> dict[str, Any]:
    """Give each mail a task, at the time that its account's pace allows; answers at once.

    At most 500 mails, all of one account, campaign and kind. Raises InvalidInput.
    """
    if len(email_ids) > LARGEST_BATCH:
        raise InvalidInput(
            f"A batch holds at most {LARGEST_BATCH} mails; these are {len(email_ids)}."
        )
    with transaction.atomic():
        # Two runs of one batch must not both find a mail without a task.
        emails = list(
            unplanned(Email.objects.filter(_MAY_GO, pk__in=email_ids))
            .select_for_update(of=("self",))
            .select_related("account")
            .order_by("id")
        )
        if emails:
            _plan(emails, timezone.now())
    return {"planned": len(emails)}


def _plan(emails: list[Email], now: datetime) -> None:
    if len({(e.account_id, e.campaign_id, e.kind) for e in emails}) > 1:
        raise InvalidInput("A batch holds mails of one account, campaign and kind.")
    lines: dict[str, list[Email]] = {}
    follow_ups = ""
    answers = [email for email in emails if email.is_answer]
    if answers:
        _enqueue(answers, Email.Kind.SINGLE, 1, now, priority=AT_ONCE)
    for email in emails:
        if email.is_answer:
            continue
        if email.due_at is not None and email.due_at > now + _SOON:
            line = line_at(email.account_id, email.due_at)
        elif email.step > 1:
            follow_ups = line = follow_ups or line_of_follow_ups(email.account_id)
        else:
            line = line_of(email.account_id)
        lines.setdefault(line, []).append(email)
    # In one order for all who take places of several lines.
    for line, group in sorted(lines.items()):
        latest = max((e.due_at for e in group if e.due_at is not None), default=now)
        if latest > now + _SOON:
            hold_until(line, latest)
        _line_up(group, line)
    Email.objects.bulk_update(emails, ["task_id"])


def _line_up(emails: list[Email], line: str) -> None:
    account, kind = emails[0].account, Email.Kind(emails[0].kind)
    rate = rate_of(account.per_minute)
    interval = max(rate.interval_seconds, float(account.min_gap_seconds))
    # A lane of its own: what is planned here must not use up what `claiming` takes.
    start = reserve(line, interval_seconds=interval, count=len(emails))
    at_once = 1 if account.min_gap_seconds else rate.at_once
    window = min(account.window, at_once) if kind == Email.Kind.CAMPAIGN else 1
    # As many as may go at once share a time, and a statement.
    size = max(window, at_once - at_once % window)
    for number, group in enumerate(_pieces(emails, size)):
        run_at = start + timedelta(seconds=number * size * interval)
        _enqueue(group, kind, window, run_at)


def _enqueue(
    emails: list[Email],
    kind: Email.Kind,
    window: int,
    run_at: datetime,
    priority: int = DEFAULT_PRIORITY,
) -> None:
    """Enqueue a task for each window of mails, and let them name it."""
    windows = _pieces(emails, window)
    if window > 1:
        together = [{"email_ids": [email.pk for email in each]} for each in windows]
        task_ids = enqueue_many(_TOGETHER, together, run_at=run_at)
    else:
        alone = [{"email_id": email.pk} for email in emails]
        task_ids = enqueue_many(_ACTOR[kind], alone, run_at=run_at, priority=priority)
    for each, task_id in zip(windows, task_ids, strict=True):
        for email in each:
            email.task_id = task_id


def _pieces(emails: list[Email], size: int) -> list[list[Email]]:
    return [emails[start : start + size] for start in range(0, len(emails), size)]
