"""Plan mails as tasks at the pace of their account.

A mail has at most one unfinished task: planning again, after a crash or a second
launch, adds only what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from campaigns.models import Campaign, Email
from campaigns.pacing import batches_of, pace_of
from campaigns.states import SENDABLE, CampaignState
from fliptech_site.errors import InvalidInput
from tasks.enqueueing import enqueue_many
from tasks.limits import reserve
from tasks.models import Task
from tasks.states import UNFINISHED

BATCH_SIZE = 50

_ACTOR = {
    Email.Kind.CAMPAIGN: "send_campaign_email",
    Email.Kind.SINGLE: "send_single_email",
}


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
        for _, group in groupby(rows.values_list("account_id", "pk"), itemgetter(0))
        for batch in batches_of([pk for _, pk in group], BATCH_SIZE)
    ]
    enqueue_many(
        "process_campaign_batch",
        [{"campaign_id": campaign_id, "email_ids": batch} for batch in batches],
    )
    return {
        "campaign_id": campaign_id,
        "emails": sum(map(len, batches)),
        "batches": len(batches),
    }


def plan(email_ids: Sequence[int]) -> dict[str, Any]:
    """Give each mail a task, at the time that its account's pace allows.

    At most 50 mails, all of one account and kind. Raises InvalidInput for more.
    """
    if len(email_ids) > BATCH_SIZE:
        raise InvalidInput(
            f"A batch holds at most {BATCH_SIZE} mails; these are {len(email_ids)}."
        )
    with transaction.atomic():
        # Two runs of one batch must not both find a mail without a task.
        emails = list(
            unplanned(Email.objects.filter(pk__in=email_ids))
            .select_for_update(of=("self",))
            .select_related("account")
            .order_by("id")
        )
        if emails:
            _plan(emails)
    return {"planned": len(emails)}


def _plan(emails: list[Email]) -> None:
    account, kind = emails[0].account, Email.Kind(emails[0].kind)
    if any(e.account_id != account.pk or e.kind != kind for e in emails):
        raise InvalidInput("A batch holds mails of one account and one kind.")
    pace = pace_of(account.per_minute)
    # A lane of its own: what is planned here must not use up what `claiming` takes.
    start = reserve(
        f"email:plan:{account.pk}",
        interval_seconds=pace.interval_seconds,
        count=len(emails),
    )
    # As many as may go at once share a time, and a statement.
    for number, group in enumerate(_groups(emails, pace.burst)):
        wait = timedelta(seconds=number * pace.burst * pace.interval_seconds)
        task_ids = enqueue_many(
            _ACTOR[kind],
            [{"email_id": email.pk} for email in group],
            run_at=start + wait,
        )
        for email, task_id in zip(group, task_ids, strict=True):
            email.task_id = task_id
    Email.objects.bulk_update(emails, ["task_id"])


def _groups(emails: list[Email], size: int) -> list[list[Email]]:
    return [emails[start : start + size] for start in range(0, len(emails), size)]
