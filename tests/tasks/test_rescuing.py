"""Lost leases are rescued, and poison is set aside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks import claiming
from tasks.controlling import retry
from tasks.enqueueing import enqueue
from tasks.models import Attempt, Task, Worker
from tasks.rescuing import rescue_expired, rescue_from
from tasks.states import State

pytestmark = pytest.mark.django_db


def expire():
    Task.objects.filter(state=State.RUNNING).update(
        lease_until=datetime.now(UTC) - timedelta(seconds=1)
    )


def test_a_lease_that_holds_is_left_alone():
    claiming.claim(enqueue("trial_add", a=1, b=2), worker_id=None)
    assert rescue_expired() == 0


def test_a_lost_task_is_owed_again_and_the_old_run_can_not_finish():
    held = claiming.claim(enqueue("trial_add", a=1, b=2), worker_id=None)
    expire()
    assert rescue_expired() == 1
    task = Task.objects.get(pk=held.task_id)
    assert (task.state, task.rescues, task.failures) == (State.QUEUED, 1, 0)
    assert task.published_at is None
    assert Attempt.objects.get().outcome == Attempt.Outcome.LOST
    assert not claiming.succeed(held, "late")


def test_a_task_that_kills_its_workers_is_set_aside(settings):
    settings.TASK_MAX_RESCUES = 3
    task_id = enqueue("trial_add", a=1, b=2)
    for _ in range(4):
        # From the second time on it comes back a little later.
        Task.objects.filter(state=State.SCHEDULED).update(state=State.QUEUED)
        assert claiming.claim(task_id, worker_id=None)
        expire()
        rescue_expired()
    task = Task.objects.get(pk=task_id)
    assert (task.state, task.error_class) == (State.FAILED, "PoisonedTask")
    assert "Set aside after 4 workers died under it" in task.error_message
    retry(task_id)
    task.refresh_from_db()
    assert (task.state, task.rescues) == (State.QUEUED, 0)


def test_those_who_were_lost_together_twice_come_back_scattered():
    ids = [enqueue("trial_add", a=1, b=2) for _ in range(20)]
    for state in (State.QUEUED, State.SCHEDULED):
        claiming.claim_together(ids, None)
        expire()
        rescue_expired()
        assert set(Task.objects.values_list("state", flat=True)) == {state}
    delays = [
        (t.run_at - datetime.now(UTC)).total_seconds() for t in Task.objects.all()
    ]
    assert 1 < max(delays) - min(delays) < 5


def test_a_dead_workers_tasks_are_rescued_before_their_lease_ends():
    worker = Worker.objects.create(host="h", pid=1, threads=1)
    held = claiming.claim(enqueue("trial_add", a=1, b=2), worker_id=worker.pk)
    other = claiming.claim(enqueue("trial_add", a=1, b=2), worker_id=None)
    assert rescue_from(worker.pk) == 1
    assert Task.objects.get(pk=held.task_id).state == State.QUEUED
    assert Task.objects.get(pk=other.task_id).state == State.RUNNING
