"""What a person may do with a queue: pause, resume, drain, limit its rate and concurrency."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from tasks.models import Queue


def ensure_rows() -> None:
    """Make a row for every queue of settings, so that people find them all."""
    missing = set(settings.QUEUES).difference(
        Queue.objects.values_list("name", flat=True)
    )
    Queue.objects.bulk_create(
        [Queue(name=name) for name in sorted(missing)], ignore_conflicts=True
    )


def pause(queue: str) -> None:
    """Let nothing begin; what runs goes on, what comes waits. InvalidInput as below."""
    _set(queue, is_paused=True, draining_since=None)


def drain(queue: str) -> None:
    """Finish what is there, hold what comes from now on, then pause."""
    _set(queue, is_paused=False, draining_since=timezone.now())


def resume(queue: str) -> None:
    """Let everything begin again that waited."""
    _set(queue, is_paused=False, draining_since=None)


def limit_rate(queue: str, per_minute: int | None) -> None:
    """Let at most so many begin per minute, 1 to 60,000; None lifts the limit."""
    _set(queue, rate_per_minute=per_minute, next_slot_at=None)


def limit_concurrency(queue: str, running: int | None) -> None:
    """Let at most so many run at once, 1 to 10,000; None lifts the limit."""
    _set(queue, concurrency=running)


def _set(queue: str, **values: Any) -> None:
    """Write the row; raises InvalidInput for an unknown queue or a wrong number."""
    if queue not in settings.QUEUES:
        raise InvalidInput(
            f"There is no queue {queue!r}: use one of {', '.join(settings.QUEUES)}."
        )
    try:
        Queue(name=queue, **values).clean_fields()
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages)) from None
    Queue.objects.update_or_create(name=queue, defaults=values)
