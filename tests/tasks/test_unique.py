"""Unique tasks: one row per key, whoever comes at the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from fliptech_site.errors import InvalidInput
from tasks import claiming, controlling, rescuing
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Task
from tasks.states import State
from tasks.unique import Hold, KeyTaken, OnConflict, Unique

PAIR = {"a": 1, "b": 2}
DAY = timedelta(days=1)
ERROR = {"error_class": "E", "message": "m", "traceback": "t"}


def send(unique, a=1, **options):
    return enqueue("trial_add", a=a, b=0, unique=unique, **options)


def run(task_id, end=claiming.succeed, *args, **kwargs):
    held = claiming.claim(task_id, None)
    assert held is not None
    assert end(held, *(args or ((3,) if end is claiming.succeed else ())), **kwargs)


def days_pass(task_id, days):
    gone = timedelta(days=days)
    Task.objects.filter(pk=task_id).update(
        created_at=F("created_at") - gone, unique_until=F("unique_until") - gone
    )


# --- what can be asked for --------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"key": ""}, "1 to 200"),
        ({"key": "x" * 201}, "1 to 200"),
        ({"key": "a\x00b"}, "NUL"),
        ({"key": "x", "period": timedelta(0)}, "above zero"),
        ({"key": "x", "hold": Hold.FINISHED}, "a period belongs to"),
        ({"key": "x", "hold": Hold.WAITING, "period": DAY}, "a period belongs to"),
    ],
)
def test_a_hold_that_never_ends_or_can_not_be_stored_is_refused(wrong, told):
    with pytest.raises(InvalidInput, match=told):
        Unique(**wrong)


@pytest.mark.django_db
def test_a_key_and_a_short_key_together_are_refused():
    with pytest.raises(InvalidInput, match="not both"):
        send(Unique("x"), unique_key="x")


# --- how long a key is held ---------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("end", [claiming.succeed, claiming.cancel_running])
def test_by_default_a_key_is_held_until_the_end(end):
    first = send(Unique("x"))
    held = claiming.claim(first, None)
    assert send(Unique("x")) == first
    claiming.retry(held, delay_seconds=0, is_burnt=True, **ERROR)
    assert send(Unique("x")) == first, "a retry is not the end"
    Task.objects.update(state=State.QUEUED)
    run(first, end)
    assert send(Unique("x")) != first


@pytest.mark.django_db
def test_a_key_held_while_waiting_is_free_as_soon_as_the_run_begins():
    waiting = Unique("x", Hold.WAITING)
    first = send(waiting)
    assert send(waiting) == first
    held = claiming.claim(first, None)
    second = send(waiting)
    assert second != first
    assert send(waiting) == second
    # Oban's stager stops for ever at this point: the retry meets its twin.
    assert claiming.retry(held, delay_seconds=0, is_burnt=True, **ERROR)
    assert send(waiting) == second
    assert set(Task.objects.values_list("state", flat=True)) == {"scheduled", "queued"}


@pytest.mark.django_db
def test_a_lost_run_that_held_its_key_while_waiting_is_rescued_beside_its_twin():
    waiting = Unique("x", Hold.WAITING)
    claiming.claim(send(waiting), None)
    send(waiting)
    Task.objects.filter(state=State.RUNNING).update(lease_until=datetime.now(UTC))
    assert rescuing.rescue_expired() == 1
    assert Task.objects.filter(state=State.QUEUED).count() == 2


@pytest.mark.django_db
def test_at_most_one_success_per_day():
    daily = Unique("report", period=DAY)
    first = send(daily)
    run(first)
    assert send(daily) == first
    days_pass(first, 0.99)
    assert send(daily) == first
    days_pass(first, 0.02)
    second = send(daily)
    assert second != first
    assert send(daily) == second


@pytest.mark.django_db
def test_a_failure_frees_the_key_unless_the_period_is_for_every_end():
    first = send(Unique("x", period=DAY))
    run(first, claiming.fail, **ERROR)
    assert send(Unique("x", period=DAY)) != first
    other = send(Unique("y", Hold.FINISHED, period=DAY))
    run(other, claiming.fail, **ERROR)
    assert send(Unique("y", Hold.FINISHED, period=DAY)) == other


@pytest.mark.django_db
def test_an_unfinished_task_holds_its_key_beyond_the_period():
    first = send(Unique("x", period=timedelta(minutes=1)))
    days_pass(first, 3)
    assert send(Unique("x", period=timedelta(minutes=1))) == first


@pytest.mark.django_db
def test_a_period_counts_from_the_time_that_the_task_is_due():
    due = datetime.now(UTC) + timedelta(days=7)
    task = Task.objects.get(pk=send(Unique("x", period=DAY), run_at=due))
    assert task.unique_until == due + DAY


@pytest.mark.django_db
def test_the_index_alone_refuses_a_second_holder():
    send(Unique("x"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.create(actor="a", queue="q", state=State.QUEUED, unique_key="x")


@pytest.mark.django_db
@pytest.mark.parametrize("hold", [Hold.UNFINISHED, Hold.FINISHED])
def test_running_again_by_hand_is_refused_while_another_holds_the_key(hold):
    unique = Unique("x", hold, period=DAY if hold == Hold.FINISHED else None)
    first = send(unique)
    run(first, claiming.fail, **ERROR)
    days_pass(first, 2)
    second = send(unique)
    told = f"while {second}, which has the same unique key 'x', is queued"
    with pytest.raises(InvalidInput, match=told):
        controlling.retry(first)
    assert Task.objects.get(pk=first).state == State.FAILED
    run(second)
    days_pass(second, 2)
    controlling.retry(first)
    assert Task.objects.get(pk=first).state == State.QUEUED


# --- what becomes of the second -------------------------------------------------------


@pytest.mark.django_db
def test_reject_tells_who_holds_the_key():
    first = send(Unique("x"))
    with pytest.raises(KeyTaken, match=f"held by task {first} .trial_add.") as caught:
        send(Unique("x", on_conflict=OnConflict.REJECT))
    assert caught.value.task_id == first
    assert Task.objects.count() == 1


@pytest.mark.django_db
def test_replace_gives_a_waiting_twin_the_new_arguments_priority_and_time():
    replacing = Unique("x", on_conflict=OnConflict.REPLACE)
    first = send(replacing)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert send(replacing, a=5, priority=9, run_at=later) == first
    task = Task.objects.get()
    assert (task.kwargs, task.priority) == ({"a": 5, "b": 0}, 9)
    assert (task.state, task.run_at) == (State.SCHEDULED, later)
    assert claiming.claim(first, None) is None, "the message of before finds nothing"
    assert send(replacing, a=6) == first
    assert Task.objects.get().state == State.QUEUED


@pytest.mark.django_db
def test_a_replaced_retry_starts_afresh():
    replacing = Unique("x", on_conflict=OnConflict.REPLACE)
    first = send(replacing)
    held = claiming.claim(first, None)
    claiming.retry(held, delay_seconds=60, is_burnt=True, **ERROR)
    assert send(replacing, a=7) == first
    task = Task.objects.get()
    assert (task.state, task.failures, task.error_message) == (State.QUEUED, 0, "")
    assert claiming.claim(first, None).kwargs == {"a": 7, "b": 0}


@pytest.mark.django_db
def test_replace_never_touches_a_running_twin_and_says_so():
    replacing = Unique("x", on_conflict=OnConflict.REPLACE)
    first = send(replacing)
    claiming.claim(first, None)
    with pytest.raises(KeyTaken, match="which is running"):
        send(replacing, a=5)
    assert Task.objects.get().kwargs == {"a": 1, "b": 0}


@pytest.mark.django_db
def test_replace_while_waiting_loses_no_change():
    saving = Unique("x", Hold.WAITING, on_conflict=OnConflict.REPLACE)
    first = send(saving, a=1)
    claiming.claim(first, None)
    second = send(saving, a=2)
    assert send(saving, a=3) == second
    assert Task.objects.get(pk=second).kwargs["a"] == 3


@pytest.mark.django_db
def test_a_key_of_another_actor_is_not_replaced():
    enqueue("debug_task", unique_key="x")
    with pytest.raises(KeyTaken, match="debug_task"):
        send(Unique("x", on_conflict=OnConflict.REPLACE))


# --- many -----------------------------------------------------------------------------


def rows(*numbers):
    return [{"a": n, "b": index} for index, n in enumerate(numbers)]


@pytest.mark.django_db
def test_many_with_a_key_each_give_an_id_for_every_row():
    known = send(Unique("2"))
    ids = enqueue_many(
        "trial_add", rows(3, 1, 2, 1), unique=lambda row: Unique(str(row["a"]))
    )
    assert ids[2] == known
    assert ids[1] == ids[3]
    assert len(set(ids)) == Task.objects.count() == 3
    assert Task.objects.get(pk=ids[0]).kwargs == {"a": 3, "b": 0}
    assert Task.objects.get(pk=ids[1]).kwargs == {"a": 1, "b": 1}, "the first of two"


@pytest.mark.django_db
def test_many_that_replace_keep_the_last_of_each_key():
    known = send(Unique("2"))
    ids = enqueue_many(
        "trial_add",
        rows(1, 2, 1),
        unique=lambda row: Unique(str(row["a"]), on_conflict=OnConflict.REPLACE),
    )
    assert ids[1] == known
    assert ids[0] == ids[2]
    assert Task.objects.get(pk=ids[0]).kwargs == {"a": 1, "b": 2}
    assert Task.objects.get(pk=known).kwargs == {"a": 2, "b": 1}


@pytest.mark.django_db
def test_many_of_which_one_is_rejected_are_none():
    send(Unique("2"))
    with pytest.raises(KeyTaken):
        enqueue_many(
            "trial_add",
            rows(1, 2, 3),
            unique=lambda row: Unique(str(row["a"]), on_conflict=OnConflict.REJECT),
        )
    assert Task.objects.count() == 1


@pytest.mark.django_db
def test_many_unique_ones_take_few_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        enqueue_many(
            "trial_add",
            rows(*range(8000)),
            unique=lambda row: Unique(str(row["a"])),
        )
    assert Task.objects.filter(unique_key__isnull=False).count() == 8000
