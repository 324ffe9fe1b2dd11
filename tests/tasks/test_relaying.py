"""The relay: what is due and what is owed reaches RabbitMQ."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F

from tasks.broker import queue_arguments, rabbitmq_queue
from tasks.enqueueing import enqueue, enqueue_many
from tasks.handover import handover, mark_published
from tasks.models import Task
from tasks.publishing import Publisher
from tasks.relaying import (
    owed,
    raise_waiting,
    reclaim_lost,
    relay_to_rabbitmq,
    release_due,
)
from tasks.states import State

LONG_AGO = timedelta(hours=1)


@pytest.fixture
def publisher(rabbitmq):
    publisher = Publisher()
    yield publisher
    publisher.close()


def make_older(**filters):
    Task.objects.filter(**filters).update(
        run_at=F("run_at") - LONG_AGO, published_at=F("published_at") - LONG_AGO
    )


@pytest.mark.django_db
def test_only_what_is_due_is_released():
    soon = datetime.now(UTC) + timedelta(hours=1)
    due = enqueue("trial_add", a=1, b=2, run_at=soon)
    enqueue("trial_add", a=1, b=2, run_at=soon)
    Task.objects.filter(pk=due).update(run_at=datetime.now(UTC))
    assert [one.task_id for one in release_due()] == [due]
    assert Task.objects.get(pk=due).state == State.QUEUED
    assert release_due() == []


@pytest.mark.django_db(transaction=True)
def test_two_relays_release_each_task_once():
    enqueue_many("trial_add", [{"a": n, "b": 0} for n in range(300)])
    Task.objects.update(state=State.SCHEDULED)
    barrier, released = threading.Barrier(3), []

    def run():
        barrier.wait()
        released.extend(one.task_id for one in release_due())
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(released) == len(set(released)) == 300


@pytest.mark.django_db(transaction=True)
def test_a_committed_task_reaches_rabbitmq_at_once(publisher):
    task_id = enqueue("trial_add", a=1, b=2)
    handover.flush()
    assert publisher.ready_count("default") == 1
    assert Task.objects.get(pk=task_id).published_at is not None


@pytest.mark.django_db(transaction=True)
def test_nothing_is_published_before_the_commit(publisher):
    with transaction.atomic():
        enqueue("trial_add", a=1, b=2)
        handover.flush()
        assert publisher.ready_count("default") == 0
    handover.flush()
    assert publisher.ready_count("default") == 1


@pytest.mark.django_db
def test_what_was_not_confirmed_is_published_by_the_relay(publisher):
    task_id = enqueue("trial_add", a=1, b=2)
    assert relay_to_rabbitmq(publisher) == 0, "the handover has its grace first"
    make_older()
    assert relay_to_rabbitmq(publisher) == 1
    assert Task.objects.get(pk=task_id).published_at is not None
    assert owed() == []


@pytest.mark.django_db
def test_messages_that_rabbitmq_lost_are_published_again(publisher, rabbitmq, settings):
    enqueue("trial_add", a=1, b=2)
    make_older()
    relay_to_rabbitmq(publisher)
    assert reclaim_lost(publisher) == 0, "a message just published is not missed"
    make_older()
    assert reclaim_lost(publisher) == 0, "RabbitMQ still has it"
    rabbitmq.queue_purge(f"{settings.RABBITMQ_QUEUE_PREFIX}default")
    assert reclaim_lost(publisher) == 1
    assert relay_to_rabbitmq(publisher) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("priority", [5, 10])
def test_a_message_lost_from_a_queue_that_is_never_empty_comes_again(
    publisher, rabbitmq, settings, priority
):
    """Such as one that was marked as published late, in the task's next life."""
    lost = enqueue("trial_add", a=1, b=2, priority=priority)
    mark_published([lost])
    make_older()
    rabbitmq.queue_declare(
        rabbitmq_queue("default"), durable=True, arguments=queue_arguments()
    )
    rabbitmq.basic_publish("", rabbitmq_queue("default"), b"somebody else's")
    assert reclaim_lost(publisher) == 0, "the queue is not empty"
    assert raise_waiting(publisher) == 1


@pytest.mark.django_db
def test_a_claimed_task_is_not_marked_as_published_any_more():
    task_id = enqueue("trial_add", a=1, b=2)
    Task.objects.filter(pk=task_id).update(state=State.RUNNING)
    mark_published([task_id])
    assert Task.objects.get(pk=task_id).published_at is None
