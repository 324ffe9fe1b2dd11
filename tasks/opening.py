"""Read sealed rows: the run that needs its arguments, and people who may see them."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dramatiq
from django.db import DatabaseError, InterfaceError

from tasks import claiming, sealing
from tasks.current import Claim
from tasks.models import Task, summary
from tasks.sealing import is_sealed, unseal_text, unseal_work

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from dramatiq import MessageProxy

#: Seconds until a task is tried again whose key is missing; doubled each time.
AGAIN_SECONDS = 5.0
AGAIN_AT_MOST_SECONDS = 900.0


class SealedMessage(dramatiq.Message[Any]):
    """A message whose arguments no log shows."""

    def __str__(self) -> str:
        return f"{self.actor_name}({sealing.SEALED})"

    __repr__ = __str__


def unsealed_message(held: Claim, message: MessageProxy) -> SealedMessage:
    """Return the message of a sealed row with its arguments; raises KeyMissing."""
    args, kwargs, options = unseal_work(held.args, held.kwargs, held.options)
    fields = message._message.asdict()
    told = {"args": tuple(args), "kwargs": kwargs, "options": options}
    return SealedMessage(**fields | told)


def try_to_put_off(held: Claim, error: Exception) -> None:
    """Put a task off; where the database is away its lease runs out instead."""
    logger.error("Task %s waits, since it can't be read: %s", held.task_id, error)
    try:
        put_off(held, error)
    except (DatabaseError, InterfaceError) as away:
        logger.warning("Task %s is left to rescue: %s", held.task_id, away)


def put_off(held: Claim, error: Exception) -> None:
    """Put a task back whose key is missing: the trouble is not its own, so it may wait.

    It burns no attempt and never grows too old.
    """
    delay = min(AGAIN_SECONDS * 2.0 ** min(held.attempt, 30), AGAIN_AT_MOST_SECONDS)
    claiming.retry(
        # Like a row in the clear: people have to read this, and it quotes no argument.
        replace(held, args=[]),
        delay_seconds=delay * random.uniform(0.5, 1.0),  # noqa: S311 - jitter
        is_burnt=False,
        error_class=type(error).__name__,
        message=str(error),
        traceback="",
    )


def opened(task: Task) -> dict[str, Any]:
    """Return what a task carries, decrypted: its summary, args and kwargs.

    Raises KeyMissing.
    """
    args, kwargs, _ = unseal_work(task.args, task.kwargs, {})
    told = summary(task) | {"args": args, "kwargs": kwargs}
    if task.is_sealed:
        told["error"] = unseal_text(task.error_message) or None
        result: Any = task.result
        told["result"] = sealing.unseal(result) if is_sealed(result) else result
    return told
