"""Gates of actors: pause, rate and concurrency beside their queue's own gate."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from tasks import claiming, throttling
from tasks.enqueueing import enqueue, enqueue_many
from tasks.handover import mark_published
from tasks.models import Actor, Attempt, Task
from tasks.relaying import owed, release_due
from tasks.states import State

PAIR = {"a": 1, "b": 2}


def other(count=1):
    return enqueue_many("trial_effect", [{}] * count)


@pytest.mark.django_db
def test_a_paused_actor_burns_nothing_and_stops_nobody_else_of_its_queue():
    held, free = enqueue("trial_add", **PAIR), other()[0]
    throttling.pause("trial_add", Actor)
    refused, claimed = claiming.claim_together([held, free], None)
    assert (refused, claimed.task_id) == (None, free)
    task = Task.objects.get(pk=held)
    assert (task.state, task.attempt, task.failures) == (State.SCHEDULED, 0, 0)
    assert not Attempt.objects.exists()
    waiting, later = enqueue("trial_add", **PAIR), other()[0]
    assert release_due() == []
    assert [one.task_id for one in owed(grace_seconds=0)] == [later]
    throttling.resume("trial_add", Actor)
    assert [one.task_id for one in release_due()] == [held]
    assert {one.task_id for one in owed(grace_seconds=0)} == {held, waiting, later}


@pytest.mark.django_db
def test_an_actors_concurrency_is_kept_beside_its_queues():
    throttling.limit_concurrency("trial_add", 2, Actor)
    throttling.limit_concurrency("default", 3)
    ids, others = enqueue_many("trial_add", [PAIR] * 5, priority=9), other(5)
    assert [one.actor for one in owed()].count("trial_add") == 2
    assert len(owed()) == 3, "the queue's own limit holds too"
    claims = [one for one in claiming.claim_together(ids + others, None) if one]
    actors = [one.actor for one in claims]
    assert sorted(actors) == ["trial_add", "trial_add", "trial_effect"]
    release_due()
    assert owed() == []
    claiming.succeed(claims[actors.index("trial_effect")], 3)
    assert [one.actor for one in owed()] == ["trial_effect"]
    claiming.succeed(claims[actors.index("trial_add")], 3)
    assert "trial_add" in [one.actor for one in owed()]


@pytest.mark.django_db
def test_an_actors_rate_is_kept():
    throttling.limit_rate("trial_add", 60, Actor)
    ids, others = enqueue_many("trial_add", [PAIR] * 5), other(3)
    claims = [one for one in claiming.claim_together(ids + others, None) if one]
    assert [one.actor for one in claims].count("trial_add") == 1
    assert len(claims) == 4
    release_due()
    assert owed() == [], "nothing is published to be refused"
    Actor.objects.update(next_slot_at=datetime.now(UTC))
    (next_one,) = owed()
    assert claiming.claim(next_one.task_id, None) is not None


@pytest.mark.django_db
def test_what_rabbitmq_holds_of_a_limited_actor_counts_as_begun():
    throttling.limit_concurrency("trial_add", 3, Actor)
    enqueue_many("trial_add", [PAIR] * 5)
    first = owed()
    assert len(first) == 3
    mark_published([first[0].task_id, first[1].task_id])
    assert len(owed()) == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_keep_an_actors_concurrency_together():
    throttling.limit_concurrency("trial_add", 3, Actor)
    throttling.limit_rate("trial_effect", 60_000, Actor)
    ids, others = enqueue_many("trial_add", [PAIR] * 24), other(24)
    barrier, won = threading.Barrier(6), []

    def run(number):
        # In other orders, so that the rows of both actors are locked by turns.
        mine = ids[number::6] + others[number::6]
        barrier.wait()
        mine = mine if number % 2 else mine[::-1]
        won.extend(one for one in claiming.claim_together(mine, None) if one)
        connection.close()

    threads = [threading.Thread(target=run, args=[n]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    actors = [one.actor for one in won]
    assert (actors.count("trial_add"), actors.count("trial_effect")) == (3, 24)


def plan_of(work):
    """Run `work` and return the plan of its last statement."""
    with CaptureQueriesContext(connection) as queries:
        work()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {queries[-1]['sql']}")
        (row,) = cursor.fetchone()
    return json.loads(row) if isinstance(row, str) else row


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "dice", "limit"),
    [
        (State.SCHEDULED, 0.9, None),
        (State.QUEUED, 0.9, None),
        (State.QUEUED, 0.0, None),
        (State.QUEUED, 0.9, 1),
        (State.QUEUED, 0.0, 1),
    ],
)
def test_many_held_ones_of_an_actor_are_not_walked_through_for_the_others(
    state, dice, limit, monkeypatch
):
    monkeypatch.setattr("random.random", lambda: dice)
    enqueue_many("trial_add", [PAIR] * 10_000)
    Task.objects.update(state=state, run_at=F("run_at") - timedelta(hours=1))
    theirs = other()[0]
    Task.objects.filter(pk=theirs).update(state=state)
    if limit is None:
        throttling.pause("trial_add", Actor)
    else:
        throttling.limit_concurrency("trial_add", limit, Actor)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tasks_task")
    look = release_due if state == State.SCHEDULED else partial(owed, 0)
    plan = plan_of(look)[0]["Plan"]
    # A walk through all of them would touch a block for each; some are dead entries of
    # this transaction, which no index can forget yet.
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 2_000, plan
    if state == State.QUEUED:
        actors = {"trial_effect"} if limit is None else {"trial_add", "trial_effect"}
        assert {one.actor for one in look()} == actors
    else:
        assert Task.objects.get(pk=theirs).state == State.QUEUED
