"""Following tasks: a run waits for everything that it set going, and no longer."""

from __future__ import annotations

import time
import uuid

import pytest

from actors.main_job.following import (
    Line,
    TimeIsUp,
    is_a_worker_alive,
    unfinished_roots,
)
from tasks.models import Task, Worker
from tasks.states import State

pytestmark = pytest.mark.django_db


def task(state=State.SUCCEEDED, **fields):
    return Task.objects.create(
        actor="debug_task", queue="default", state=state, **fields
    )


def line(*tasks, seconds=5.0):
    found = Line(time.monotonic() + seconds)
    found.add(one.pk for one in tasks)
    return found


def finish(one):
    for state in (State.QUEUED, State.RUNNING, State.SUCCEEDED):
        Task.objects.filter(pk=one.pk).exclude(state=state).update(state=state)


def test_it_counts_the_task_and_all_that_came_of_it_and_nothing_else():
    root = task()
    task(State.FAILED, root_id=root.pk, parent_id=root.pk)
    task(root_id=root.pk, parent_id=uuid.uuid4())
    task(root_id=uuid.uuid4())
    task()

    assert line(root).by_state() == {"failed": 1, "succeeded": 2}


def test_a_task_that_another_set_going_brings_its_whole_line():
    root = task()
    child = task(root_id=root.pk)
    task(root_id=root.pk)

    assert line(child).by_state() == {"succeeded": 3}


def test_it_waits_until_the_last_follow_up_has_ended():
    root = task()
    late = task(State.SCHEDULED, root_id=root.pk)
    looks = []

    def look(counts):
        looks.append(counts)
        if len(looks) == 2:
            finish(late)
        return True

    line(root).wait(look)

    assert looks[-1] == {"succeeded": 2}
    assert len(looks) == 3


def test_it_goes_on_until_the_look_is_content():
    looks = []

    line(task()).wait(lambda counts: looks.append(counts) or len(looks) == 2)

    assert len(looks) == 2


def test_work_that_remains_when_the_time_is_over_is_an_error():
    with pytest.raises(TimeIsUp):
        line(task(State.QUEUED), seconds=0).wait(lambda counts: True)


def test_a_failed_task_has_ended():
    line(task(State.FAILED), seconds=0).wait(lambda counts: True)


def test_an_earlier_run_is_found_while_anything_of_it_remains():
    over = task(unique_key="main-job:over")
    task(root_id=over.pk)
    open_root = task(unique_key="main-job:open")
    task(State.QUEUED, root_id=open_root.pk)
    running = task(State.QUEUED, unique_key="main-job:running")
    task(State.QUEUED, unique_key="other")

    assert set(unfinished_roots("main-job:")) == {open_root.pk, running.pk}


def test_a_worker_is_alive_while_it_gives_signs(django_assert_num_queries):
    assert not is_a_worker_alive()
    worker = Worker.objects.create(host="here", pid=1, threads=8)
    assert is_a_worker_alive()
    Worker.objects.filter(pk=worker.pk).update(heartbeat_at="2020-01-01T00:00Z")
    assert not is_a_worker_alive()
