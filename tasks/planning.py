"""Standing orders: which runs are due, each planned once.

The cron expressions come from the actors (periodiq's decorator option) or from rows that
a person edits; the times are computed by APScheduler's CronTrigger, because periodiq's
own arithmetic misses weekdays and skips late runs. A planned run is a task under the
unique key (schedule, planned time): two schedulers can't plan it twice.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import uuid_utils.compat
from django.conf import settings
from django.db import transaction

from fliptech_site.errors import InvalidInput
from tasks.crontab import next_run, next_runs
from tasks.declaring import check_arguments, find_actor, load_actors
from tasks.enqueueing import Order, insert
from tasks.models import Schedule, Task
from tasks.sealing import unsealed_kwargs
from tasks.states import UNFINISHED

logger = logging.getLogger(__name__)

#: Runs that a schedule may catch up at once; what is beyond is dropped.
CATCH_UP_LIMIT = 100
#: Seconds that a run may be late before `skip` counts it as missed.
PUNCTUAL_SECONDS = 60


def sync_declared() -> None:
    """Bring the rows of declared schedules in line with the actors' declarations."""
    declared = {
        name: str(actor.options["periodic"])
        for name, actor in load_actors().items()
        if actor.options.get("periodic") is not None
    }
    now = datetime.now(UTC)
    known = {row.name: row for row in Schedule.objects.filter(is_declared=True)}
    for name, cron in declared.items():
        row = known.get(name)
        if row is None:
            Schedule.objects.get_or_create(
                name=name,
                defaults={
                    "actor": name,
                    "cron": cron,
                    "timezone": settings.TIME_ZONE,
                    "is_declared": True,
                    "next_run_at": next_run(cron, settings.TIME_ZONE, now),
                },
            )
        elif row.cron != cron:
            row.cron, row.next_run_at = cron, next_run(cron, row.timezone, now)
            row.save(update_fields=["cron", "next_run_at"])
    Schedule.objects.filter(is_declared=True).exclude(name__in=declared).delete()


def plan_due(now: datetime | None = None) -> int:
    """Enqueue every planned run that is due; return how many were new.

    What a downtime missed goes by the schedule's `misfire`, what meets an unfinished run
    by its `overlap`. A schedule that can't run tells why in its row and stops no other.
    """
    now = now or datetime.now(UTC)
    with transaction.atomic():
        due = (
            Schedule.objects.select_for_update(skip_locked=True)
            .filter(is_enabled=True, next_run_at__lte=now)
            .order_by("next_run_at")
        )
        return sum(_plan(schedule, now) for schedule in due)


def due_runs(
    schedule: Schedule, now: datetime, *, is_busy: bool
) -> tuple[list[datetime], datetime]:
    """Return the planned times to enqueue, and the next time to look at.

    `is_busy` tells whether an earlier run is unfinished. Pure: reads the schedule's
    fields only. Raises InvalidInput for an expression that can't be read.
    """
    assert schedule.next_run_at is not None
    cron, zone = schedule.cron, schedule.timezone
    first, coming = schedule.next_run_at, next_run(cron, zone, now)
    if is_busy and schedule.overlap == Schedule.Overlap.QUEUE:
        return [], first
    if is_busy and schedule.overlap == Schedule.Overlap.SKIP:
        return [], coming
    runs = [first]
    if schedule.misfire == Schedule.Misfire.CATCH_UP:
        later = takewhile(lambda run: run <= now, next_runs(cron, zone, first))
        runs += islice(later, CATCH_UP_LIMIT - 1)
    elif schedule.misfire == Schedule.Misfire.SKIP:
        punctual = now - timedelta(seconds=PUNCTUAL_SECONDS)
        if first < punctual:
            first = next_run(cron, zone, punctual)
        runs = [first] if first <= now else []
    if schedule.overlap == Schedule.Overlap.ALLOW or len(runs) < 2:
        return runs, coming
    # One at a time: the others wait for its end, or would only meet it.
    is_queueing = schedule.overlap == Schedule.Overlap.QUEUE
    return runs[:1], runs[1] if is_queueing else coming


def run_now(schedule: Schedule) -> int:
    """Enqueue the schedule's actor once, whatever is planned; return how many were new.

    Raises InvalidInput when the actor or its arguments are not as they should be.
    """
    return _insert(schedule, None)


def time_after(schedule: Schedule, after: datetime) -> datetime | None:
    """Return when the schedule runs next after `after`; None while it is paused."""
    if not schedule.is_enabled:
        return None
    return next_run(schedule.cron, schedule.timezone, after)


def _plan(schedule: Schedule, now: datetime) -> int:
    unfinished = Task.objects.filter(schedule=schedule, state__in=UNFINISHED)
    is_busy = schedule.overlap != Schedule.Overlap.ALLOW and unfinished.exists()
    new = 0
    try:
        runs, schedule.next_run_at = due_runs(schedule, now, is_busy=is_busy)
        new = sum(_insert(schedule, run) for run in runs)
        if runs:
            schedule.last_planned_at = runs[-1]
        schedule.problem = ""
    except InvalidInput as error:
        logger.error("The schedule %s can't run: %s", schedule.name, error)
        schedule.problem = str(error)
        # It is looked at again, for the actor may come with the next version.
        schedule.next_run_at = now + timedelta(minutes=1)
    schedule.save(update_fields=["last_planned_at", "next_run_at", "problem"])
    return new


def _insert(schedule: Schedule, planned_at: datetime | None) -> int:
    declared = find_actor(schedule.actor)
    kwargs = unsealed_kwargs(schedule.kwargs)
    check_arguments(declared, (), kwargs)
    order = Order(declared, schedule_id=schedule.pk, planned_at=planned_at)
    return len(insert(order, [(uuid_utils.compat.uuid7(), (), kwargs)]))
