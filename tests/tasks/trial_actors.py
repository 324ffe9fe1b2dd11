"""Actors that the tests of the ledger run in real worker processes."""

from __future__ import annotations

import logging
import subprocess
import time

from django.db import connection, transaction
from dramatiq.rate_limits import ConcurrentRateLimiter

from fliptech_site.errors import Cancelled, PermanentError, RateLimited, TransientError
from tasks.cancelling import check_cancelled
from tasks.claiming import complete
from tasks.current import current_claim
from tasks.declaring import actor
from tasks.limits import PostgresRateLimiterBackend
from tasks.progressing import progress
from tasks.subprocesses import popen


def effect(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO trial_effect (name) VALUES (%s)", [name])


@actor(queue="default", time_limit_minutes=1)
def trial_add(a: int, b: int) -> int:
    return a + b


@actor(
    queue="default",
    time_limit_minutes=1,
    max_attempts=3,
    base_seconds=0.05,
    ceiling_seconds=0.1,
)
def trial_fail(kind: str) -> None:
    errors = {
        "permanent": PermanentError("this can't be helped"),
        "transient": TransientError("not now", retry_after=0.05),
        "limited": RateLimited("too fast", retry_after=0.05),
        "plain": RuntimeError("a surprise"),
    }
    held = current_claim()
    assert held is not None
    if kind == "limited" and held.attempt > 6:
        return
    raise errors[kind]


@actor(queue="default", time_limit_minutes=1)
def trial_sleep(seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.02)
    return "slept"


@actor(queue="default", time_limit_minutes=1)
def trial_log(lines: int) -> None:
    for number in range(lines):
        logging.getLogger("trial").info("line %d", number)


@actor(queue="default", time_limit_minutes=1)
def trial_progress() -> None:
    progress(3, 10, "three")
    raise PermanentError("stopped in the middle")


@actor(queue="default", time_limit_minutes=1)
def trial_fenced_effect(name: str, seconds: float = 0.0) -> None:
    """Commit the effect and the completion together."""
    time.sleep(seconds)
    with transaction.atomic():
        effect(name)
        complete({"done": name})


@actor(queue="default", time_limit_minutes=1)
def trial_unjsonable() -> object:
    return {1, 2}


@actor(queue="default", time_limit_minutes=0.02)
def trial_overrun() -> None:
    while True:
        time.sleep(0.01)


@actor(queue="default", time_limit_minutes=1)
def trial_effect(*names: str) -> None:
    effect(" ".join(str(name) for name in names))


@actor(queue="default", time_limit_minutes=1, base_seconds=0.1, ceiling_seconds=0.1)
def trial_limited(key: str) -> None:
    """One at a time, by Dramatiq's own limiter."""
    mutex = ConcurrentRateLimiter(PostgresRateLimiterBackend(), key, limit=1)
    with mutex.acquire():
        effect("in")
        time.sleep(0.3)
        effect("out")


@actor(queue="default", time_limit_minutes=1)
def trial_surrogate() -> str:
    return "half a pair: \ud800"


@actor(queue="email", time_limit_minutes=1)
def trial_urgent(name: str) -> None:
    effect(name)


@actor(queue="demo", time_limit_minutes=1)
def trial_patient(name: str) -> None:
    effect(name)


@actor(queue="default", time_limit_minutes=1, max_attempts=1)
def trial_step(
    name: str, before: object = None, outcome: object = None, seconds: float = 0.0
) -> str:
    """A step of a workflow, with a fenced effect."""
    time.sleep(seconds)
    with transaction.atomic():
        effect(name)
        complete(name)
    return name


@actor(queue="default", time_limit_minutes=1)
def trial_listen() -> None:
    """Ask between the steps, and clear up when told."""
    effect("began")
    try:
        while True:
            check_cancelled()
            time.sleep(0.02)
    except Cancelled:
        time.sleep(2.5)
        effect("cleared up")
        raise


@actor(queue="default", time_limit_minutes=1)
def trial_wait_for_program(*argv: str) -> None:
    """Be in a system call that no interrupt reaches, until the program ends."""
    with popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        effect("began")
        process.stdout.read()


@actor(queue="default", time_limit_minutes=0.02, max_attempts=1)
def trial_overrun_program(*argv: str) -> None:
    with popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()
