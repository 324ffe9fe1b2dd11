"""Plain Dramatiq and periodiq on RabbitMQ, as their documentation sets them up.

Imported by the `dramatiq` and `periodiq` command lines, and by the driver, whose calls
are the functions below.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import dramatiq
import pendulum
import pika
import psycopg
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import GroupCallbacks, default_middleware
from dramatiq.middleware.retries import Retries
from dramatiq.rate_limits import (
    BucketRateLimiter,
    ConcurrentRateLimiter,
    RateLimitExceeded,
)
from dramatiq.results import ResultMissing, Results
from periodiq import PeriodiqMiddleware, Scheduler, cron

from tests.peers import bodies
from tests.peers.bodies import journal
from tests.peers.plain_parts import (
    Pauses,
    PostgresLimits,
    PostgresResults,
    Reports,
    connect,
    sent,
)

PREFIX = os.environ["RABBITMQ_QUEUE_PREFIX"]


BACKOFF_MS = bodies.BACKOFF_MS
#: Milliseconds before a failed periodic run is tried again: fewer than by default (15,000).
#: Dramatiq waits for half of it at least, so a run that began 28.5 s late comes after 30 s.
PERIODIC_MS = 4000
results = PostgresResults()
limits = PostgresLimits()
broker = RabbitmqBroker(
    url=os.environ["RABBITMQ_URL"],
    middleware=[
        *[one() for one in default_middleware if one is not Retries],
        Retries(
            max_retries=bodies.TRIES - 1, min_backoff=BACKOFF_MS, max_backoff=BACKOFF_MS
        ),
        GroupCallbacks(limits),
        Results(backend=results, store_results=True),
        PeriodiqMiddleware(),
        Pauses(),
        Reports(),
        bodies.Boots(),
    ],
)
dramatiq.set_broker(broker)


def queue_of(queue: str) -> str:
    return f"{PREFIX}{queue}"


actors = {
    function.__name__: dramatiq.actor(queue_name=queue_of(queue))(function)
    for function, queue in bodies.ACTORS.items()
} | {
    function.__name__: dramatiq.actor(
        queue_name=queue_of("default"),
        periodic=cron(spec),
        min_backoff=PERIODIC_MS,
        max_backoff=PERIODIC_MS,
    )(function)
    for function, spec in bodies.PERIODIC.items()
}


# --- what the bodies ask ----------------------------------------------------------


def commit_effect(name: str) -> None:
    with connect() as connection:
        connection.execute("INSERT INTO effect (name) VALUES (%s)", [name])


def mutex(key: str) -> ConcurrentRateLimiter:
    return ConcurrentRateLimiter(limits, key, limit=1)


def has_order(name: str) -> bool:
    with connect() as connection:
        found = connection.execute("SELECT FROM ordered WHERE name = %s", [name])
        return found.fetchone() is not None


# --- sending ----------------------------------------------------------------------


def send(
    actor: str,
    *,
    delay_ms: int | None = None,
    options: dict[str, Any] | None = None,
    **kwargs: Any,
) -> str:
    message = actors[actor].send_with_options(
        kwargs=kwargs, delay=delay_ms, **(options or {})
    )
    return str(message.message_id)


def send_with_priorities(actor: str, *, name: str) -> None:
    """Enqueue with a priority inside the queue, by a broker that knows priorities."""
    other = RabbitmqBroker(url=os.environ["RABBITMQ_URL"], max_priority=10)
    other.enqueue(
        actors[actor].message_with_options(kwargs={"name": name}, broker_priority=9)
    )


def send_many(actor: str, *, names: list[str], delay_ms: int) -> None:
    for name in names:
        actors[actor].send_with_options(kwargs={"name": name}, delay=delay_ms)


def redeliver(task_id: str) -> None:
    """Bring a message once more, as RabbitMQ does after a lost acknowledgement."""
    message = sent[task_id]
    with pika.BlockingConnection(
        pika.URLParameters(os.environ["PEER_DIRECT_URL"])
    ) as it:
        it.channel().basic_publish("", message.queue_name, message.encode())


def pipeline(first: str, then: str) -> None:
    dramatiq.pipeline(
        [
            actors["value"].message(name=first),
            actors["after"].message(then),
        ]
    ).run()


def group(children: dict[str, str], callback: str) -> dict[str, str]:
    """Start a group of name -> actor; return name -> task id."""
    messages = {
        name: actors[actor].message(name=name) for name, actor in children.items()
    }
    whole = dramatiq.group(messages.values())
    whole.add_completion_callback(actors["note"].message(name=callback))
    whole.run()
    return {message.kwargs["name"]: message.message_id for message in whole.children}


def group_with_a_failure(failing: str, callback: str) -> None:
    """Start a group one child of which fails for good."""
    whole = dramatiq.group([actors["fail_for_good"].message(name=failing)])
    whole.add_completion_callback(actors["note"].message(name=callback))
    whole.run()


def nested_groups(names: list[str], callback: str) -> None:
    """Start a group inside a group, with a callback at the end of all."""
    inner = dramatiq.group([actors["note"].message(name=name) for name in names])
    whole = dramatiq.group([inner])
    whole.add_completion_callback(actors["note"].message(name=callback))
    whole.run()


def outlive_counters() -> None:
    """Let the time of what counts the children of groups be over."""
    with connect() as connection:
        connection.execute("UPDATE counter SET expires = now()")


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
        return results.get_result(message)
    except (ResultMissing, psycopg.OperationalError):
        return None


def failed_tasks() -> list[str]:
    """Return the names in the dead-letter queue, which a person could send again."""
    found = []
    with pika.BlockingConnection(
        pika.URLParameters(os.environ["PEER_DIRECT_URL"])
    ) as it:
        channel = it.channel()
        while (answer := channel.basic_get(queue_of("default") + ".XQ"))[0]:
            found.append(dramatiq.Message.decode(answer[2]).kwargs["name"])
    return found


def pause(queue: str) -> None:
    with connect() as connection:
        connection.execute("INSERT INTO paused VALUES (%s)", [queue_of(queue)])


def resume(queue: str) -> None:
    with connect() as connection:
        connection.execute("DELETE FROM paused WHERE queue = %s", [queue_of(queue)])


def send_to_nobody(actor: str, name: str) -> None:
    """Enqueue for an actor that does not exist."""
    broker.enqueue(dramatiq.Message(queue_of("default"), actor, (), {"name": name}, {}))


# --- an order and its task, one unit of work ---------------------------------------


def _write_order(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute("INSERT INTO ordered (name) VALUES (%s)", [name])


def order(name: str) -> None:
    """Commit an order, then send its task."""
    with connect() as connection, connection.transaction():
        _write_order(connection, name)
    send("look_up", name=name)


def order_and_die(name: str) -> None:
    """As `order`, but the process dies after the commit."""
    with connect() as connection, connection.transaction():
        _write_order(connection, name)
    os._exit(9)


def order_and_roll_back(name: str) -> None:
    """Send the task inside the transaction, which then fails."""
    with connect() as connection, connection.transaction():
        _write_order(connection, name)
        send("look_up", name=name)
        raise psycopg.Rollback


def order_slowly(name: str) -> None:
    """Send the task inside the transaction, which commits when the gate opens."""
    with connect() as connection, connection.transaction():
        _write_order(connection, name)
        send("look_up", name=name)
        journal.wait_at(name)


# --- limits -------------------------------------------------------------------------

_limiters: dict[str, ConcurrentRateLimiter] = {}


def take(key: str, limit: int, holder: str, seconds: float) -> bool:
    """Let `holder` take one of `limit` slots, each good for `seconds`."""
    limiter = ConcurrentRateLimiter(limits, key, limit=limit, ttl=int(seconds * 1000))
    _limiters[holder] = limiter
    return bool(limiter._acquire())


def give_back(holder: str) -> None:
    _limiters[holder]._release()


def attempt_at_pace(key: str, limit: int) -> bool:
    """Ask for one of `limit` turns a second."""
    try:
        with BucketRateLimiter(limits, key, limit=limit, bucket=1000).acquire():
            return True
    except RateLimitExceeded:
        return False


# --- schedules ------------------------------------------------------------------------


def is_due(spec: str, moment: str) -> bool:
    """Return whether `spec` runs in this minute."""
    return bool(cron(spec).validate(pendulum.parse(moment)))


def next_time(spec: str, moment: str) -> str:
    """Return when `spec` runs first after `moment`."""
    found: datetime = cron(spec).next_valid_date(pendulum.parse(moment))
    return found.strftime("%Y-%m-%dT%H:%M")


def plan(actor: str, name: str, seconds_ago: float) -> None:
    """Let a run of `actor` be planned for a time that is past, for want of workers."""
    planned = pendulum.now() - timedelta(seconds=seconds_ago)
    actors[actor].send_with_options(kwargs={"name": name}, scheduled_at=str(planned))


def plan_with_two_schedulers(actor: str) -> None:
    """Let two schedulers come to the same planned time."""
    midnight = pendulum.datetime(2026, 1, 1)
    for scheduler in (Scheduler([actors[actor]]), Scheduler([actors[actor]])):
        _tick(scheduler, midnight)


def plan_after_downtime(actor: str) -> None:
    """Let the scheduler start five minutes after a planned time of an hourly actor."""
    _tick(Scheduler([actors[actor]]), pendulum.now().replace(minute=5))


def _tick(scheduler: Scheduler, now: pendulum.DateTime) -> None:
    """Do what `Scheduler.schedule` does before it sets its alarm."""
    due = [one for one in scheduler.actors if one.options["periodic"].validate(now)]
    scheduler.send_actors(due, pendulum.now())


# --- looking ---------------------------------------------------------------------------


def is_over(name: str) -> bool:
    """Return whether a run of this task has come to its end."""
    return journal.count("over", name) > 0


def is_published(name: str) -> bool:
    """Return whether the sender knows that RabbitMQ has the task: it never does."""
    return True
