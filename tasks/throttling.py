"""What a person may do with a queue or an actor: pause, resume, limit, and drain a queue."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from tasks.declaring import find_actor, load_actors
from tasks.models import Actor, Queue

Kind = type[Queue] | type[Actor]


def names(kind: Kind) -> Collection[str]:
    """Return the names that there are: of settings' queues, or of declared actors."""
    return settings.QUEUES.keys() if kind is Queue else load_actors().keys()


def ensure_rows(kind: Kind = Queue) -> None:
    """Make a row for every queue, or every actor, so that people find them all."""
    known = kind.objects.values_list("name", flat=True)
    rows: list[Any] = [kind(name=one) for one in sorted({*names(kind)} - {*known})]
    kind.objects.bulk_create(rows, ignore_conflicts=True)


def pause(name: str, kind: Kind = Queue) -> None:
    """Let nothing begin; what runs goes on, what comes waits. InvalidInput as below."""
    _set(kind, name, is_paused=True, **_undrained(kind))


def drain(queue: str) -> None:
    """Finish what is there, hold what comes from now on, then pause."""
    _set(Queue, queue, is_paused=False, draining_since=timezone.now())


def resume(name: str, kind: Kind = Queue) -> None:
    """Let everything begin again that waited."""
    _set(kind, name, is_paused=False, **_undrained(kind))


def limit_rate(name: str, per_minute: int | None, kind: Kind = Queue) -> None:
    """Let at most so many begin per minute, 1 to 60,000; None lifts the limit."""
    _set(kind, name, rate_per_minute=per_minute, next_slot_at=None)


def limit_concurrency(name: str, running: int | None, kind: Kind = Queue) -> None:
    """Let at most so many run at once, 1 to 10,000; None lifts the limit."""
    _set(kind, name, concurrency=running)


def _undrained(kind: Kind) -> dict[str, None]:
    return {"draining_since": None} if kind is Queue else {}


def _set(kind: Kind, name: str, **values: Any) -> None:
    """Write the row; raises InvalidInput for an unknown name or a wrong number."""
    if kind is Actor:
        find_actor(name)
    elif name not in settings.QUEUES:
        raise InvalidInput(
            f"There is no queue {name!r}: use one of {', '.join(settings.QUEUES)}."
        )
    try:
        kind(name=name, **values).clean_fields()
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages)) from None
    kind.objects.update_or_create(name=name, defaults=values)
