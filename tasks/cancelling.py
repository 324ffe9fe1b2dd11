"""Ask a running task to stop: politely where it listens, by an interrupt otherwise.

A body that may be stopped between two steps calls `check_cancelled` there. It is then
told at its worker's next heartbeat, and has `POLITE_SECONDS` to come to a step before it
is interrupted like the others, wherever its thread is then.
"""

from __future__ import annotations

import time

from fliptech_site.errors import Cancelled
from tasks.current import Claim, current_claim

#: Seconds that a body which listens has to stop by itself.
POLITE_SECONDS = 5.0
#: Seconds that an interrupted body has to clear up before it is interrupted again.
CLEAR_UP_SECONDS = 10.0


def is_cancelled() -> bool:
    """Return whether somebody asked the running task to stop; costs no query.

    A body that returns after that has succeeded with what it returned; to end as
    cancelled it has to raise, as `check_cancelled` does. Outside a task it is False.
    """
    held = current_claim()
    if held is None:
        return False
    held.stop.is_listened_to = True
    return held.stop.asked_at is not None


def check_cancelled() -> None:
    """Raise Cancelled when somebody asked the running task to stop; costs no query."""
    if is_cancelled():
        raise Cancelled("It was asked to stop.")


def ask_to_stop(held: Claim, *, is_polite: bool, now: float | None = None) -> bool:
    """Tell a run to stop; return whether it is time to interrupt it.

    Call it at each heartbeat. A run that has lost its claim is not asked politely, since
    another may be running in its place.
    """
    now = time.monotonic() if now is None else now
    stop = held.stop
    if stop.asked_at is None:
        stop.asked_at = now
    if is_polite and stop.is_listened_to and now - stop.asked_at < POLITE_SECONDS:
        return False
    return stop.struck_at is None or now - stop.struck_at >= CLEAR_UP_SECONDS
