"""Standing orders: which runs are due, each planned once.

The cron expressions come from the actors (periodiq's decorator option) or from rows that
a person edits; the times are computed by APScheduler's CronTrigger, because periodiq's
own arithmetic misses weekdays and skips late runs. A planned run is a task under the
unique key (schedule, planned time): two schedulers can't plan it twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import uuid_utils.compat
from apscheduler.triggers.cron import CronTrigger
from django.conf import settings
from django.db import transaction

from fliptech_site.errors import InvalidInput
from tasks.declaring import find_actor, load_actors
from tasks.enqueueing import Order, insert
from tasks.models import Schedule


def next_run(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the first time of `cron` strictly after `after` (aware), in UTC.

    Raises InvalidInput for an expression or a time zone that can't be read, or an
    expression that has no time at all (30 February).
    """
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            f"There is no time zone {timezone!r}: use a name such as Europe/Berlin."
        ) from None
    try:
        trigger = CronTrigger.from_crontab(_named_weekdays(cron), timezone=zone)
        found = trigger.get_next_fire_time(
            None, after.astimezone(zone) + timedelta(microseconds=1)
        )
    except (ValueError, IndexError) as error:
        raise InvalidInput(
            f"{cron!r} is not a cron expression of five fields: {error}."
        ) from None
    if found is None:
        raise InvalidInput(f"{cron!r} has no time at which it would run.")
    moment: datetime = found.astimezone(UTC)
    return moment


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

    After a downtime the missed runs of a schedule are made up by one.
    """
    now = now or datetime.now(UTC)
    with transaction.atomic():
        due = (
            Schedule.objects.select_for_update(skip_locked=True)
            .filter(is_enabled=True, next_run_at__lte=now)
            .order_by("next_run_at")
        )
        return sum(_plan(schedule, now) for schedule in due)


def _plan(schedule: Schedule, now: datetime) -> int:
    assert schedule.next_run_at is not None
    planned_at = schedule.next_run_at
    order = Order(
        find_actor(schedule.actor), schedule_id=schedule.pk, planned_at=planned_at
    )
    new = insert(order, [(uuid_utils.compat.uuid7(), (), schedule.kwargs)])
    schedule.last_planned_at = planned_at
    schedule.next_run_at = next_run(schedule.cron, schedule.timezone, now)
    schedule.save(update_fields=["last_planned_at", "next_run_at"])
    return len(new)


def _named_weekdays(cron: str) -> str:
    """Return `cron` with weekdays by name: APScheduler counts Monday as 0, cron Sunday."""
    fields = cron.split()
    if len(fields) != 5:
        return cron
    names = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
    parts = []
    for part in fields[4].split(","):
        days, slash, step = part.partition("/")
        if slash or not days.replace("-", "").isdigit():
            parts.append(part if not slash else _stepped(days, step, names))
            continue
        first, dash, last = days.partition("-")
        wanted = range(int(first), int(last if dash else first) + 1)
        parts += [names[day] for day in wanted]
    fields[4] = ",".join(parts)
    return " ".join(fields)


def _stepped(days: str, step: str, names: tuple[str, ...]) -> str:
    if days == "*":
        first, last = 0, 6
    else:
        start, dash, end = days.partition("-")
        first, last = int(start), int(end) if dash else 6
    return ",".join(names[day] for day in range(first, last + 1, int(step)))
