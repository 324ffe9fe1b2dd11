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


stumbling_over: list[UUID] = []


def stumble(task_id, state):
    Task.objects.filter(pk=task_id).update(progress_note="told")
    if task_id in stumbling_over:
        raise RuntimeError("the follower stumbles")


@following.together
def remember_together(ends):
    told.extend(ends)


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
    settings.TASK_FOLLOWERS = [f"{__name__}.stumble"]
    first, second, third = _followed(), _followed(), _followed()
    stumbling_over[:] = [second]
    for task_id in (first, second, third):
        cancel(task_id)
    assert following.follow_ends() == 3
    assert [(end.task_id, end.tries) for end in End.objects.all()] == [(second, 1)]
    notes = Task.objects.in_bulk([first, second, third])
    assert [notes[one].progress_note for one in (first, second, third)] == [
        "told", "", "told",
    ]  # fmt: skip
    stumbling_over.clear()
    End.objects.update(due_at="2020-01-01T00:00Z")
    assert following.follow_ends() == 1
    assert not End.objects.exists()


def test_many_ends_are_told_at_once_to_those_who_want_it_so(
    settings, django_assert_max_num_queries
):
    settings.TASK_FOLLOWERS = [f"{__name__}.remember_together", f"{__name__}.remember"]
    ids = [_followed() for _ in range(150)]
    for task_id in ids:
        cancel(task_id)
    with django_assert_max_num_queries(16):
        assert following.follow_ends(1000) == 150
    ends = [(task_id, State.CANCELLED) for task_id in ids]
    assert told == ends[:100] * 2 + ends[100:] * 2
