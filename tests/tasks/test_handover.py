"""The handover: what was committed is in RabbitMQ at once and marked soon after."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks import handover as handing
from tasks.enqueueing import enqueue, enqueue_many
from tasks.handover import Handover, handover
from tasks.models import Task

pytestmark = pytest.mark.django_db(transaction=True)


def test_flushing_waits_for_rabbitmq_and_for_the_marks(rabbitmq):
    enqueue_many("trial_add", [{"a": n, "b": 0} for n in range(3000)])
    handover.flush(20)
    assert not Task.objects.filter(published_at=None).exists()


def test_a_stream_of_tasks_is_marked_together(rabbitmq, monkeypatch):
    groups = []
    mark = handing.mark_published

    def watch(task_ids):
        groups.append(len(task_ids))
        mark(task_ids)

    monkeypatch.setattr(handing, "mark_published", watch)
    monkeypatch.setattr(handing, "MARK_SECONDS", 30.0)
    for _ in range(20):
        enqueue("trial_add", a=1, b=2)
    handover.flush(20)
    assert [size for size in groups if size] == [20]


def test_marks_are_written_without_being_asked_for(rabbitmq, wait_until):
    enqueue("trial_add", a=1, b=2)
    wait_until(lambda: not Task.objects.filter(published_at=None).exists())


def test_a_mark_does_not_wait_for_a_worker_that_is_just_claiming(rabbitmq):
    task_ids = enqueue_many("trial_add", [{"a": 1, "b": 2}] * 2)
    handover.flush(20)
    Task.objects.update(published_at=None)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM tasks_task WHERE id = %s FOR UPDATE", [task_ids[0]]
            )
        handing.mark_published(task_ids)
    finally:
        other.close()
    assert Task.objects.get(published_at=None).pk == task_ids[0]


def test_nothing_is_asked_of_the_database_when_nothing_was_confirmed():
    with CaptureQueriesContext(connection) as queries:
        handing.mark_published([])
    assert not queries


def test_a_handover_that_never_ran_has_nothing_to_flush():
    Handover().flush(5)
