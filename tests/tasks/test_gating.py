"""Queues at run time: pause, drain, rate, concurrency, and ageing priorities."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from tasks import claiming, throttling
from tasks.broker import InProcessBroker
from tasks.enqueueing import enqueue, enqueue_many
from tasks.gates import UNLIMITED, Gate, free_slots, next_slot_after
from tasks.gating import settle_drained
from tasks.models import Attempt, Queue, Task
from tasks.publishing import Publisher
from tasks.relaying import (
    feed_in_process,
    owed,
    raise_waiting,
    relay_to_rabbitmq,
    release_due,
)
from tasks.states import State

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAIR = {"a": 1, "b": 2}


@pytest.fixture
def publisher(rabbitmq):
    publisher = Publisher()
    yield publisher
    publisher.close()


def state_of(task_id):
    return Task.objects.get(pk=task_id).state


# --- deciding -----------------------------------------------------------------


def test_an_open_gate_lets_everything_through():
    assert Gate("default").is_open
    assert free_slots(Gate("default"), running=10_000, now=NOON) == UNLIMITED


def test_a_paused_gate_lets_nothing_through():
    gate = Gate("default", is_paused=True, concurrency=5, rate_per_minute=600)
    assert free_slots(gate, running=0, now=NOON) == 0


@given(st.integers(1, 100), st.integers(0, 200))
def test_never_more_run_than_the_concurrency(concurrency, running):
    free = free_slots(Gate("q", concurrency=concurrency), running=running, now=NOON)
    assert free == max(concurrency - running, 0)


@given(
    st.integers(1, 60_000),
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 5)), max_size=60),
)
def test_never_more_begin_than_the_rate_and_one_burst(rate, asks):
    now, begun, slot = NOON, 0, None
    for wanted, pause in asks:
        gate = Gate("q", rate_per_minute=rate, next_slot_at=slot)
        count = min(wanted, free_slots(gate, running=0, now=now))
        slot, begun = next_slot_after(gate, count, now), begun + count
        burst = max(1, rate // 60)
        elapsed = (now - NOON).total_seconds()
        assert begun <= elapsed * rate / 60 + burst + 1
        now += timedelta(seconds=pause)


def test_a_rate_gives_its_next_slot_after_its_interval():
    gate = Gate("q", rate_per_minute=60)
    used = Gate("q", rate_per_minute=60, next_slot_at=next_slot_after(gate, 1, NOON))
    later = NOON + timedelta(seconds=1)
    assert [free_slots(used, running=0, now=now) for now in (NOON, later)] == [0, 1]


# --- claims ---------------------------------------------------------------------


@pytest.mark.django_db
def test_a_claim_on_a_paused_queue_is_refused_and_burns_nothing():
    task_id, other = enqueue("trial_add", **PAIR), enqueue("debug_task")
    Task.objects.filter(pk=other).update(queue="email")
    throttling.pause("default")
    held, claimed = claiming.claim_together([task_id, other], None)
    assert held is None, "its queue is paused"
    assert claimed is not None, "the other queue is open"
    task = Task.objects.get(pk=task_id)
    assert (task.state, task.attempt, task.failures) == (State.SCHEDULED, 0, 0)
    assert not Attempt.objects.exists()


@pytest.mark.django_db
def test_the_relay_leaves_a_paused_queue_alone_and_brings_it_back_on_resume():
    task_id = enqueue("trial_add", **PAIR)
    throttling.pause("default")
    claiming.claim(task_id, None)
    waiting = enqueue("trial_add", **PAIR)
    assert (release_due(), owed(grace_seconds=0)) == ([], [])
    throttling.resume("default")
    assert [one.task_id for one in release_due()] == [task_id]
    assert {one.task_id for one in owed(grace_seconds=0)} == {task_id, waiting}
    assert claiming.claim(task_id, None).attempt == 1


@pytest.mark.django_db
def test_a_drained_queue_finishes_what_was_there_holds_the_rest_and_then_pauses():
    before = enqueue("trial_add", **PAIR)
    Task.objects.update(created_at=F("created_at") - timedelta(seconds=5))
    throttling.drain("default")
    after = enqueue("trial_add", **PAIR)
    Task.objects.filter(pk=after).update(
        created_at=datetime.now(UTC) + timedelta(seconds=5)
    )
    assert [one.task_id for one in owed(grace_seconds=0)] == [before]
    assert claiming.claim(after, None) is None
    assert release_due() == []
    held = claiming.claim(before, None)
    assert settle_drained() == [], "one is still running"
    claiming.succeed(held, 3)
    assert settle_drained() == ["default"]
    assert Queue.objects.get(name="default").status == "paused"
    assert state_of(after) == State.SCHEDULED


@pytest.mark.django_db
def test_a_queues_concurrency_is_kept_and_a_freed_slot_is_used():
    throttling.limit_concurrency("default", 2)
    ids = enqueue_many("trial_add", [PAIR] * 5)
    assert len(owed()) == 2, "no more are published than may begin"
    claims = [one for one in claiming.claim_together(ids, None) if one]
    assert len(claims) == 2
    release_due()
    assert owed() == []
    claiming.succeed(claims[0], 3)
    assert len(owed()) == 1


@pytest.mark.django_db
def test_a_queues_rate_is_kept():
    throttling.limit_rate("default", 60)
    ids = enqueue_many("trial_add", [PAIR] * 5)
    assert len([one for one in claiming.claim_together(ids, None) if one]) == 1
    assert not any(claiming.claim_together(ids, None))
    Queue.objects.update(next_slot_at=datetime.now(UTC))
    release_due()
    (next_one,) = owed()
    assert claiming.claim(next_one.task_id, None) is not None


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_keep_the_concurrency_together():
    throttling.limit_concurrency("default", 3)
    ids = enqueue_many("trial_add", [PAIR] * 24)
    barrier, won = threading.Barrier(6), []

    def run(mine):
        barrier.wait()
        won.extend(one for one in claiming.claim_together(mine, None) if one)
        connection.close()

    threads = [threading.Thread(target=run, args=[ids[n::6]]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 3
    assert Task.objects.filter(state=State.RUNNING).count() == 3


@pytest.mark.django_db
def test_without_rabbitmq_the_gates_hold_too():
    broker = InProcessBroker(middleware=[])
    broker.declare_queue("default")
    throttling.pause("default")
    enqueue_many("trial_add", [PAIR] * 5)
    assert feed_in_process(broker, {"default"}, 8) == 0
    throttling.resume("default")
    throttling.limit_concurrency("default", 2)
    assert feed_in_process(broker, {"default"}, 8) == 2
    throttling.limit_concurrency("default", None)
    assert feed_in_process(broker, {"default"}, 8) == 3


# --- priorities -----------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_owed_goes_by_priority_and_sometimes_by_age(monkeypatch):
    throttling.limit_concurrency("default", 1)
    low = enqueue("trial_add", priority=1, **PAIR)
    Task.objects.update(run_at=F("run_at") - timedelta(seconds=9))
    high = enqueue("trial_add", priority=9, **PAIR)
    monkeypatch.setattr("random.random", lambda: 0.9)
    assert [one.task_id for one in owed()] == [high]
    monkeypatch.setattr("random.random", lambda: 0.0)
    assert [one.task_id for one in owed()] == [low]


@pytest.mark.django_db
def test_a_task_that_waits_long_overtakes_newer_ones_of_higher_priority(
    publisher, rabbitmq, settings
):
    low = enqueue("trial_add", priority=1, **PAIR)
    Task.objects.update(run_at=F("run_at") - timedelta(minutes=6))
    relay_to_rabbitmq(publisher)
    high = enqueue_many("trial_add", [PAIR] * 3, priority=6)
    publisher.publish(owed(grace_seconds=0))
    assert raise_waiting(publisher) == 0, "it has not waited in RabbitMQ for long"
    Task.objects.filter(pk=low).update(
        published_at=F("published_at") - timedelta(minutes=2)
    )
    assert raise_waiting(publisher) == 1
    assert raise_waiting(publisher) == 0, "not again before another minute"
    queue = f"{settings.RABBITMQ_QUEUE_PREFIX}default"
    _, properties, _ = rabbitmq.basic_get(queue, auto_ack=True)
    assert (properties.message_id, properties.priority) == (str(low), 7)
    _, properties, _ = rabbitmq.basic_get(queue, auto_ack=True)
    assert properties.message_id in {str(one) for one in high}
