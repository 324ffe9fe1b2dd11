"""FlipTech Pro: the trial actors, and the calls that a test makes into its driver.

`EXTRA_ACTOR_MODULES` names this module, so workers and scheduler import it too.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dramatiq
import pika
from django.db import connection, transaction
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.results import ResultMissing

from tasks import (
    crontab,
    leases,
    limits,
    relaying,
    scheduling,
    throttling,
    workflows,
)
from tasks.broker import get_broker, rabbitmq_queue
from tasks.claiming import complete
from tasks.declaring import actor as declare
from tasks.enqueueing import enqueue, enqueue_many
from tasks.limits import PostgresRateLimiterBackend
from tasks.models import Attempt, Counter, Schedule, Task
from tasks.planning import plan_due
from tasks.publishing import Delivery
from tasks.results import PostgresResultBackend
from tasks.states import State
from tests.peers import bodies
from tests.peers.bodies import journal

# What RabbitMQ lost is missed after 15 s and looked for every 5: nobody waits here
# so long.
relaying.MISSED_SECONDS = 2
scheduling.RECLAIM_SECONDS = 0.5

get_broker().add_middleware(bodies.Boots())
BACKOFF = bodies.BACKOFF_MS / 1000
actors: dict[str, dramatiq.Actor[..., Any]] = {
    function.__name__: declare(
        queue=queue,
        time_limit_minutes=1,
        max_attempts=bodies.TRIES,
        base_seconds=BACKOFF,
        ceiling_seconds=BACKOFF,
    )(function)
    for function, queue in [
        *bodies.ACTORS.items(),
        *((function, "default") for function in bodies.PERIODIC),
    ]
}


# --- what the bodies ask ----------------------------------------------------------


def commit_effect(name: str) -> None:
    """Commit the effect and the end of the task together."""
    with transaction.atomic():
        _execute("INSERT INTO effect (name) VALUES (%s)", name)
        complete(None)


def mutex(key: str) -> ConcurrentRateLimiter:
    return ConcurrentRateLimiter(PostgresRateLimiterBackend(), key, limit=1)


def has_order(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM ordered WHERE name = %s", [name])
        return cursor.fetchone() is not None


def _execute(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


# --- sending ----------------------------------------------------------------------

_sent: dict[str, Delivery] = {}


def _remember(message: dramatiq.Message[Any]) -> str:
    _sent[message.message_id] = Delivery(
        UUID(message.message_id), message.actor_name, message.queue_name, 5
    )
    return message.message_id


def send(
    actor: str,
    *,
    delay_ms: int | None = None,
    options: dict[str, Any] | None = None,
    **kwargs: Any,
) -> str:
    return _remember(
        actors[actor].send_with_options(
            kwargs=kwargs, delay=delay_ms, **(options or {})
        )
    )


def send_with_priorities(actor: str, *, name: str) -> None:
    """Enqueue with a priority inside the queue."""
    send(actor, name=name, options={"broker_priority": 9})


def send_many(actor: str, *, names: list[str], delay_ms: int) -> None:
    enqueue_many(
        actor,
        [{"name": name} for name in names],
        run_at=datetime.now(UTC) + timedelta(milliseconds=delay_ms),
    )


def redeliver(task_id: str) -> None:
    """Bring a message once more, as RabbitMQ does after a lost acknowledgement."""
    delivery = _sent[task_id]
    with pika.BlockingConnection(
        pika.URLParameters(os.environ["PEER_DIRECT_URL"])
    ) as it:
        it.channel().basic_publish("", rabbitmq_queue(delivery.queue), delivery.body())


def pipeline(first: str, then: str) -> None:
    dramatiq.pipeline(
        [actors["value"].message(name=first), actors["after"].message(then)]
    ).run()


def group(children: dict[str, str], callback: str) -> dict[str, str]:
    """Start a group of name -> actor; return name -> task id."""
    whole = dramatiq.group(
        [actors[actor].message(name=name) for name, actor in children.items()]
    )
    whole.add_completion_callback(actors["note"].message(name=callback))
    whole.run()
    return {message.kwargs["name"]: _remember(message) for message in whole.children}


def group_with_a_failure(failing: str, callback: str) -> None:
    """Start a group one child of which fails for good."""
    workflows.start(
        workflows.group(workflows.step("fail_for_good", name=failing)),
        otherwise=workflows.step("note", name=callback),
    )


def nested_groups(names: list[str], callback: str) -> None:
    """Start a group inside a group, with a callback at the end of all."""
    inner = workflows.group(workflows.step("note", name=name) for name in names)
    workflows.start(workflows.group(inner), then=workflows.step("note", name=callback))


def outlive_counters() -> None:
    """Let the time of what counts the children of groups be over."""
    Counter.objects.all().delete()


def result_of(task_id: str, actor: str) -> Any:
    message: dramatiq.Message[Any] = dramatiq.Message(
        queue_name=actors[actor].queue_name,
        actor_name=actor,
        args=(),
        kwargs={},
        options={},
        message_id=task_id,
    )
    try:
        return PostgresResultBackend().get_result(message)
    except ResultMissing:
        return None


def failed_tasks() -> list[str]:
    """Return the names of the failed tasks, which a person could retry."""
    rows = Task.objects.filter(state=State.FAILED).values_list("kwargs", flat=True)
    return [kwargs["name"] for kwargs in rows]


def pause(queue: str) -> None:
    throttling.pause(queue)


def resume(queue: str) -> None:
    throttling.resume(queue)


def send_to_nobody(actor: str, name: str) -> None:
    """Enqueue for an actor that does not exist."""
    enqueue(actor, name=name)


# --- an order and its task, one unit of work ---------------------------------------


def _write_order(name: str) -> None:
    _execute("INSERT INTO ordered (name) VALUES (%s)", name)


def order(name: str) -> None:
    """Commit an order and its task together."""
    with transaction.atomic():
        _write_order(name)
        send("look_up", name=name)


def order_and_die(name: str) -> None:
    """As `order`, but the process dies after the commit."""
    with transaction.atomic():
        # Before what enqueueing asks for, which is to publish.
        transaction.on_commit(lambda: os._exit(9))
        _write_order(name)
        send("look_up", name=name)


def order_and_roll_back(name: str) -> None:
    """Send the task inside the transaction, which then fails."""
    with transaction.atomic():
        _write_order(name)
        send("look_up", name=name)
        transaction.set_rollback(True)


def order_slowly(name: str) -> None:
    """Send the task inside the transaction, which commits when the gate opens."""
    with transaction.atomic():
        _write_order(name)
        send("look_up", name=name)
        journal.wait_at(name)


# --- limits -------------------------------------------------------------------------

_leases: dict[str, leases.Lease] = {}


def take(key: str, limit: int, holder: str, seconds: float) -> bool:
    """Let `holder` take one of `limit` slots, each good for `seconds`."""
    lease = leases.take(key, limit=limit, lease_seconds=seconds)
    if lease is not None:
        _leases[holder] = lease
    return lease is not None


def give_back(holder: str) -> None:
    leases.release(_leases.pop(holder))


def attempt_at_pace(key: str, limit: int) -> bool:
    """Ask for one of `limit` turns a second."""
    return limits.take(key, interval_seconds=1 / limit, burst=limit) == 0


# --- schedules ------------------------------------------------------------------------


def is_due(spec: str, moment: str) -> bool:
    """Return whether `spec` runs in this minute."""
    at = datetime.fromisoformat(f"{moment}+00:00")
    return crontab.next_run(spec, "UTC", at - timedelta(minutes=1)) == at


def next_time(spec: str, moment: str) -> str:
    """Return when `spec` runs first after `moment`."""
    after = datetime.fromisoformat(f"{moment}+00:00")
    return crontab.next_run(spec, "UTC", after).strftime("%Y-%m-%dT%H:%M")


def plan(actor: str, name: str, seconds_ago: float) -> None:
    """Let a run of `actor` be planned for a time that is past."""
    _schedule(actor, {"name": name}, seconds_ago)


def plan_with_two_schedulers(actor: str) -> None:
    """Let two schedulers, beside the one that leads, come to the same planned time."""
    _schedule(actor, {}, 0.0)
    together = threading.Barrier(2)

    def tick() -> None:
        together.wait()
        try:
            plan_due()
        finally:
            connection.close()

    threads = [threading.Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def plan_after_downtime(actor: str) -> None:
    """Let the scheduler find an hourly actor whose time was five minutes ago."""
    _schedule(actor, {}, 300.0)


def _schedule(actor: str, kwargs: dict[str, Any], seconds_ago: float) -> None:
    Schedule.objects.create(
        name=f"{actor} {kwargs}",
        actor=actor,
        cron=bodies.PERIODIC[getattr(bodies, actor)],
        kwargs=kwargs,
        next_run_at=datetime.now(UTC) - timedelta(seconds=seconds_ago),
    )


# --- looking ---------------------------------------------------------------------------


def is_over(name: str) -> bool:
    """Return whether a run of this task has come to its end."""
    return Attempt.objects.filter(task__kwargs__name=name).exists()


def is_published(name: str) -> bool:
    """Return whether the sender knows that RabbitMQ has the task."""
    row = Task.objects.get(kwargs__name=name)
    return row.published_at is not None
