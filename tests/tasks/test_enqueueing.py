"""Rows in the caller's transaction, and calls that are checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from fliptech_site.errors import InvalidInput
from tasks.current import Claim, set_current_claim
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Task
from tasks.states import State
from tests.tasks.trial_actors import trial_add

pytestmark = pytest.mark.django_db


def test_a_task_is_a_row_with_its_actors_queue_and_policy():
    task = Task.objects.get(pk=enqueue("trial_fail", kind="plain", priority=7))
    assert (task.queue, task.priority, task.state) == ("default", 7, State.QUEUED)
    assert (task.kwargs, task.max_attempts, task.attempt) == ({"kind": "plain"}, 3, 0)


def test_a_rolled_back_transaction_leaves_no_task():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("trial_add", a=1, b=2)
        raise ZeroDivisionError
    assert not Task.objects.exists()


def test_a_later_task_waits_in_the_database():
    run_at = datetime.now(UTC) + timedelta(days=1)
    task = Task.objects.get(pk=enqueue("trial_add", a=1, b=2, run_at=run_at))
    assert (task.state, task.run_at) == (State.SCHEDULED, run_at)


def test_an_unknown_actor_is_named_with_its_nearest():
    with pytest.raises(
        InvalidInput, match=r"no actor 'trial_ad'. Did you mean trial_add"
    ):
        enqueue("trial_ad", a=1)


@pytest.mark.parametrize("kwargs", [{"a": 1}, {"a": 1, "b": 2, "c": 3}, {}])
def test_wrong_arguments_are_refused_at_the_call(kwargs):
    with pytest.raises(InvalidInput, match=r"trial_add\(.*can't be called like this"):
        enqueue("trial_add", **kwargs)
    assert not Task.objects.exists()


@pytest.mark.parametrize("value", [{1}, object(), float("nan"), "a\x00b"])
def test_arguments_that_json_or_postgresql_can_not_hold_are_refused(value):
    with pytest.raises(InvalidInput, match="trial_add"):
        enqueue("trial_add", a=value, b=1)


@pytest.mark.parametrize("priority", [-1, 11])
def test_a_priority_outside_0_to_10_is_refused(priority):
    with pytest.raises(InvalidInput, match="use 0"):
        enqueue("trial_add", a=1, b=2, priority=priority)


def test_a_time_without_zone_is_refused():
    with pytest.raises(InvalidInput, match="no time zone"):
        enqueue("trial_add", a=1, b=2, run_at=datetime(2030, 1, 1))


def test_a_unique_key_gives_the_unfinished_twin_and_is_free_afterwards():
    first = enqueue("trial_add", a=1, b=2, unique_key="sum")
    assert enqueue("trial_add", a=3, b=4, unique_key="sum") == first
    Task.objects.filter(pk=first).update(state=State.RUNNING)
    assert enqueue("trial_add", a=3, b=4, unique_key="sum") == first
    Task.objects.filter(pk=first).update(state=State.SUCCEEDED)
    assert enqueue("trial_add", a=3, b=4, unique_key="sum") != first


def test_many_tasks_come_in_order_and_all_or_none():
    ids = enqueue_many("trial_add", [{"a": n, "b": 0} for n in range(12_000)])
    assert len(set(ids)) == Task.objects.count() == 12_000
    assert Task.objects.get(pk=ids[11_999]).kwargs == {"a": 11_999, "b": 0}
    with pytest.raises(InvalidInput):
        enqueue_many("trial_add", [{"a": 1, "b": 2}, {"a": 1}])
    assert Task.objects.count() == 12_000


def test_many_are_inserted_in_few_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        enqueue_many("trial_add", [{"a": n, "b": 0} for n in range(10_000)])


def test_dramatiqs_own_send_writes_the_same_row():
    message = trial_add.send_with_options(args=(1, 2), delay=60_000, broker_priority=9)
    task = Task.objects.get(pk=message.message_id)
    assert (task.args, task.priority, task.state) == ([1, 2], 9, State.SCHEDULED)


def test_a_task_remembers_which_task_enqueued_it():
    root = Task.objects.get(pk=enqueue("trial_add", a=1, b=2))
    held = Claim(root.pk, 1, "trial_add", "default", 5, [], {}, {}, 0, 5, None)
    set_current_claim(held)
    try:
        child = Task.objects.get(pk=enqueue("trial_add", a=1, b=2))
    finally:
        set_current_claim(None)
    assert (child.parent_id, child.root_id) == (root.pk, root.pk)
