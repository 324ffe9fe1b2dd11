"""Repeat a scrape by the clock: a row of the ledger's schedules that people may edit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils import timezone as clock

from fliptech_site.errors import InvalidInput
from leads.checking_scrapes import check_scrape
from leads.models import RecurringScrape
from tasks.crontab import next_run

_LONGEST_NAME = 100


def schedule_scrape(
    source: str, cron: str, timezone: str, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Scrape a source at the times of a cron expression; returns name and next run.

    The same scrape again takes the new times and is no second row. Raises InvalidInput
    for what could never run, ConsentMissingError and KeyMissingError.
    """
    actor, kwargs = check_recurring(source, parameters)
    next_at = next_run(cron, timezone, clock.now())
    row, is_new = RecurringScrape.objects.update_or_create(
        name=recurring_name(source, kwargs),
        defaults={
            "actor": actor,
            "kwargs": kwargs,
            "cron": cron,
            "timezone": timezone,
            "is_enabled": True,
            "next_run_at": next_at,
            "problem": "",
        },
        create_defaults={
            "actor": actor,
            "kwargs": kwargs,
            "cron": cron,
            "timezone": timezone,
            "next_run_at": next_at,
            # The next run of a scrape that is still at it would be the same scrape.
            "overlap": RecurringScrape.Overlap.SKIP,
        },
    )
    return {
        "schedule": row.name,
        "is_new": is_new,
        "next_run_at": next_at.isoformat(),
    }


def check_recurring(
    source: str, parameters: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Check as `check_scrape` does, and refuse files: one that is saved never changes."""
    if parameters.get("path"):
        raise InvalidInput("A file can't be read again and again: import it once.")
    return check_scrape(source, parameters)


def recurring_name(source: str, parameters: Mapping[str, Any]) -> str:
    """Give a scrape the name that its row goes by: one for each source and parameters."""
    told = ", ".join(str(value) for value in parameters.values() if value != "")
    name = f"scrape {source}: {told}"
    if len(name) <= _LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - 9]}~{mark}"
