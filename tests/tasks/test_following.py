from __future__ import annotations

from uuid import UUID

import pytest
from django.db import transaction

from tasks import claiming, following
from tasks.controlling import cancel
from tasks.enqueueing import enqueue
from tasks.models import End, Task
from tasks.states import State

pytestmark = pytest.mark.django_db(transaction=True)

told: list[tuple[UUID, State]] = []


def remember(task_id, state):
    told.append((task_id, state))


def fail_once(task_id, state):
    Task.objects.filter(pk=task_id).update(progress_note="told")
    if not told:
        told.append((task_id, state))
        raise RuntimeError("the follower stumbles")


@pytest.fixture(autouse=True)
def followers(settings):
    told.clear()
    settings.TASK_FOLLOWERS = [f"{__name__}.remember"]


def _followed() -> UUID:
    task_id = enqueue("trial_add", a=1, b=1)
    Task.objects.filter(pk=task_id).update(is_followed=True)
    return task_id


def test_each_end_of_a_followed_task_is_followed_once():
    task_id = _followed()
    claiming.succeed(claiming.claim(task_id, None), {"x": 1})
    assert following.follow_ends() == 1
    assert following.follow_ends() == 0
    assert told == [(task_id, State.SUCCEEDED)]


def test_a_cancelled_task_is_followed_too():
    task_id = _followed()
    cancel(task_id)
    following.follow_ends()
    assert told == [(task_id, State.CANCELLED)]


def test_tasks_that_nothing_follows_leave_no_end():
    cancel(enqueue("trial_add", a=1, b=1))
    assert not End.objects.exists()


def test_an_end_is_rolled_back_with_its_transaction():
    task_id = _followed()
    held = claiming.claim(task_id, None)
    with pytest.raises(RuntimeError), transaction.atomic():
        claiming.succeed(held, None)
        raise RuntimeError
    assert not End.objects.exists()


def test_a_follower_that_fails_leaves_nothing_and_holds_up_no_other(settings):
    settings.TASK_FOLLOWERS = [f"{__name__}.fail_once"]
    first, second = _followed(), _followed()
    for task_id in (first, second):
        cancel(task_id)
    assert following.follow_ends() == 2
    assert [end.tries for end in End.objects.all()] == [1]
    notes = Task.objects.in_bulk([first, second])
    assert notes[first].progress_note == ""
    assert notes[second].progress_note == "told"
    End.objects.update(due_at="2020-01-01T00:00Z")
    assert following.follow_ends() == 1
    assert not End.objects.exists()
