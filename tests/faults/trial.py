"""What runs in the processes of a fault test: trial actors, and the sender's calls.

`EXTRA_ACTOR_MODULES` names this module; `tests.peers.driving` runs it as a sender.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
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


@actor(queue="default", time_limit_minutes=5)
def fault_work_unfenced(name: str, is_failing: bool = False) -> None:
    """Leave an effect; the ledger ends the run, as it does for most actors."""
    leave_effect(name)


@actor(queue="scraper", time_limit_minutes=5)
def fault_work_apart(name: str, is_failing: bool = False) -> None:
    work(name, is_failing)


@actor(queue="demo", time_limit_minutes=5)
def fault_work_unserved(name: str, is_failing: bool = False) -> None:
    work(name, is_failing)


# --- of a soak ----------------------------------------------------------------------------


@actor(queue="default", time_limit_minutes=1, base_seconds=0.2, ceiling_seconds=1)
def soak_fenced(name: str, seconds: float, is_failing: bool = False) -> None:
    """Take a while, then leave an effect and end, both or neither."""
    held = current_claim()
    assert held is not None
    time.sleep(seconds)
    if is_failing and held.failures == 0:
        raise TransientError("The first failure is on purpose.", retry_after=seconds)
    with transaction.atomic():
        leave_effect(name)
        complete(None)


@actor(queue="scraper", time_limit_minutes=1, base_seconds=0.2, ceiling_seconds=1)
def soak_unfenced(name: str, seconds: float) -> None:
    """Leave an effect in the middle of the run."""
    leave_effect(name)
    time.sleep(seconds)


@actor(queue="default", time_limit_minutes=1, max_attempts=2, base_seconds=0.2)
def soak_hopeless(name: str, seconds: float) -> None:
    time.sleep(seconds)
    raise RuntimeError("This never works.")


# --- the sender's calls ------------------------------------------------------------------


def send(
    actor: str, name: str, delay_seconds: float = 0.0, is_failing: bool = False
) -> None:
    run_at = datetime.now(UTC) + timedelta(seconds=delay_seconds)
    enqueue(
        actor,
        name=name,
        is_failing=is_failing,
        run_at=run_at if delay_seconds else None,
    )


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
    _plan("fault_work", name, {"name": name})


def send_all(orders: list[dict[str, Any]]) -> list[str]:
    """Enqueue the work of a soak; return the names of what is committed."""
    return [name for order in orders if (name := _send_order(order))]


def _send_order(order: dict[str, Any]) -> str:
    """Enqueue one task; return its name, or none if a unique twin stood in its way."""
    kind, name = order["kind"], order["name"]
    work = {"name": name, "seconds": order["seconds"]}
    if kind == "periodic":
        _plan("soak_fenced", name, work)
    elif kind == "unfenced":
        enqueue("soak_unfenced", priority=order["priority"], **work)
    elif kind == "hopeless":
        enqueue("soak_hopeless", **work)
    elif kind == "retried":
        enqueue("soak_fenced", is_failing=True, **work)
    elif kind == "delayed":
        run_at = datetime.now(UTC) + timedelta(seconds=order["delay_seconds"])
        enqueue("soak_fenced", run_at=run_at, **work)
    elif kind == "unique":
        task_id = enqueue("soak_fenced", unique_key=order["key"], **work)
        kwargs = Task.objects.values_list("kwargs", flat=True).get(pk=task_id)
        return name if kwargs["name"] == name else ""
    else:
        enqueue("soak_fenced", priority=order["priority"], **work)
    return str(name)


def _plan(actor: str, name: str, kwargs: dict[str, Any]) -> None:
    Schedule.objects.create(
        name=name,
        actor=actor,
        kwargs=kwargs,
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
