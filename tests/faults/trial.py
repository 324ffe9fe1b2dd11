"""What runs in the processes of a fault test: trial actors, and the sender's calls.

`EXTRA_ACTOR_MODULES` names this module; `tests.peers.driving` runs it as a sender.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from fliptech_site.errors import TransientError
from tasks import claiming
from tasks.claiming import complete
from tasks.current import current_claim
from tasks.declaring import actor
from tasks.enqueueing import enqueue
from tasks.models import Schedule, Task
from tasks.states import State
from tests.faults.breakpoints import reach


def leave_effect(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO effect (name) VALUES (%s)", [name])


def work(name: str, is_failing: bool) -> None:
    """Leave an effect and end, both or neither; the first run may fail."""
    held = current_claim()
    assert held is not None
    reach("body")
    if is_failing and held.attempt == 1:
        raise TransientError("The first run fails.", retry_after=0.1)
    with transaction.atomic():
        leave_effect(name)
        complete(None)
        reach("uncommitted end")
    reach("committed end")


@actor(queue="default", time_limit_minutes=5)
def fault_work(name: str, is_failing: bool = False) -> None:
    work(name, is_failing)


@actor(queue="scraper", time_limit_minutes=5)
def fault_work_apart(name: str, is_failing: bool = False) -> None:
    work(name, is_failing)


@actor(queue="demo", time_limit_minutes=5)
def fault_work_unserved(name: str, is_failing: bool = False) -> None:
    work(name, is_failing)


# --- the sender's calls ------------------------------------------------------------------


def send(actor: str, name: str, delay_seconds: float = 0.0, **kwargs: bool) -> None:
    run_at = datetime.now(UTC) + timedelta(seconds=delay_seconds)
    enqueue(actor, name=name, run_at=run_at if delay_seconds else None, **kwargs)


def send_aside(name: str) -> None:
    """Send in a thread, which may stand somewhere and be killed there."""
    _aside(lambda: send("fault_work", name))


def send_uncommitted(name: str) -> None:
    """Send inside a transaction that is open while somebody stands at `uncommitted`."""

    def work() -> None:
        with transaction.atomic():
            send("fault_work", name)
            reach("uncommitted")

    _aside(work)


def lose(name: str) -> None:
    """Make a task whose worker has vanished: claimed, and its lease never extended."""
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    with transaction.atomic():
        task_id: UUID = enqueue("fault_work", name=name, run_at=in_an_hour)
        now = datetime.now(UTC)
        Task.objects.filter(pk=task_id).update(
            state=State.QUEUED, run_at=now, published_at=now
        )
        claiming.claim(task_id, None)


def plan(name: str) -> None:
    """Let a run of a yearly schedule be due now."""
    Schedule.objects.create(
        name=name,
        actor="fault_work",
        kwargs={"name": name},
        cron="0 0 1 1 *",
        next_run_at=datetime.now(UTC),
    )


def _aside(work: object) -> None:
    def run() -> None:
        try:
            work()  # type: ignore[operator]
        finally:
            connection.close()

    threading.Thread(target=run, daemon=True).start()
