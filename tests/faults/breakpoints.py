"""Stop a process at a step of a task's life, until the test lets it go on.

Imported by the processes of a fault test (`EXTRA_ACTOR_MODULES`), never by the product.
A step is a place in the product's code, named below, or in a trial actor's body. Whoever
comes first to a step that the test has armed stands there; all others pass. A test arms
one step after the other, each with the task that is to bring somebody there.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import transaction

from tasks import (
    ending,
    handover,
    ledger,
    planning,
    publishing,
    recording,
    relaying,
    scheduling,
)

FOLDER = Path(os.environ["FAULT_FOLDER"])
#: Seconds between two looks of a process that stands.
LOOK_SECONDS = 0.01


def reach(step: str) -> None:
    """Stand at `step` if it is armed."""
    armed = FOLDER / f"armed-{step}"
    if not armed.exists():
        return
    try:
        # Only one can do it.
        armed.rename(FOLDER / f"taken-{step}")
    except FileNotFoundError:
        return
    standing = FOLDER / f"at-{step}"
    standing.with_suffix(".new").write_text(str(os.getpid()))
    standing.with_suffix(".new").rename(standing)
    while not (FOLDER / f"go-{step}").exists():
        time.sleep(LOOK_SECONDS)


def stop_at(
    owner: Any,
    name: str,
    *,
    before: str = "",
    after: str = "",
    when: Callable[..., bool] = lambda *_, **__: True,
    is_atomic: bool = False,
) -> None:
    """Let callers of `owner.name` reach a step, before or after the call itself.

    `when` is asked with the call's arguments, after the call with its result too.
    `is_atomic` holds the call's transaction open while somebody stands after it.
    """
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before and when(*args, **kwargs):
            reach(before)
        if not is_atomic:
            result = original(*args, **kwargs)
            if after and when(*args, result=result, **kwargs):
                reach(after)
            return result
        with transaction.atomic():
            result = original(*args, **kwargs)
            if when(*args, result=result, **kwargs):
                reach(after)
            return result

    setattr(owner, name, wrapped)


def _is_a_retry(endings: Any, **_: Any) -> bool:
    return any(ending.state == "scheduled" for ending in endings)


def _is_something(*_: Any, result: Any, **__: Any) -> bool:
    return bool(result)


# --- whoever enqueues ---------------------------------------------------------------

#: Committed and not published.
stop_at(handover.Handover, "offer", before="unpublished")
#: Published, and RabbitMQ's confirm not yet read; by the sender, or by the relay.
stop_at(
    publishing.Publisher,
    "_await_confirms",
    before="unconfirmed",
    when=lambda publisher, goal, **_: goal == 0 and bool(publisher._pending),
)
#: Confirmed, and its row does not say so.
stop_at(handover, "mark_published", before="unmarked", when=lambda ids, **_: bool(ids))

# --- workers ------------------------------------------------------------------------

#: Delivered and not claimed.
stop_at(ledger.Ledger, "claim", before="unclaimed")
#: Claimed, and its message not acknowledged.
stop_at(ledger.Ledger, "claim", after="unacknowledged")
#: Claimed and not begun.
stop_at(ledger.Ledger, "before_process_message", before="unbegun")
#: The body has failed, and its retry is not recorded.
stop_at(recording, "end_together", before="retry", when=_is_a_retry)
#: The end is recorded, and its worker does not know.
stop_at(ending.Endings, "_write", after="ended")

# --- the scheduler --------------------------------------------------------------------

#: A delay is over, its row says so, and nothing is published.
stop_at(relaying, "release_due", after="released", when=_is_something)
#: Released and published; the confirm is on its way.
stop_at(relaying, "mark_published", before="relayed", when=lambda ids, **_: bool(ids))
#: A lost run is being given to another worker: not committed.
stop_at(
    scheduling, "rescue_expired", after="rescue", when=_is_something, is_atomic=True
)
#: A planned run is written: not committed.
stop_at(planning, "insert", after="planned", when=_is_something)
