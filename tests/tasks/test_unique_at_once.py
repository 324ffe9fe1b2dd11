"""Unique tasks at the same moment: threads that want one key."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F

from tasks import claiming
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Task
from tasks.unique import KeyTaken, OnConflict, Unique

DAY = timedelta(days=1)


def send(unique, a=1, **options):
    return enqueue("trial_add", a=a, b=0, unique=unique, **options)


def at_once(count, work):
    """Let so many threads do `work(number)` at one moment; return what came of each."""
    barrier, outcomes = threading.Barrier(count), []

    def one(number):
        try:
            connection.ensure_connection()
            barrier.wait()
            outcomes.append(work(number))
        except KeyTaken as taken:
            outcomes.append(taken)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[n]) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == count, "a thread died of something else"
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_fifty_callers_at_once_make_one_row():
    ids = at_once(50, lambda n: send(Unique("x"), a=n))
    assert len(set(ids)) == Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_callers_that_reject_let_one_through():
    rejecting = Unique("x", on_conflict=OnConflict.REJECT)
    outcomes = at_once(50, lambda n: send(rejecting, a=n))
    taken = [one for one in outcomes if isinstance(one, KeyTaken)]
    assert len(taken) == 49
    assert {one.task_id for one in taken} == {Task.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_fifty_callers_that_replace_leave_one_row_with_one_callers_arguments():
    replacing = Unique("x", on_conflict=OnConflict.REPLACE)
    ids = at_once(50, lambda n: send(replacing, a=n, priority=n % 10))
    task = Task.objects.get()
    assert set(ids) == {task.pk}
    assert task.priority == task.kwargs["a"] % 10, "all of one caller"


@pytest.mark.django_db(transaction=True)
def test_one_of_many_callers_takes_over_a_key_whose_period_is_over():
    daily = Unique("x", period=DAY)
    first = send(daily)
    claiming.succeed(claiming.claim(first, None), 3)
    Task.objects.update(unique_until=F("unique_until") - DAY * 2)
    ids = set(at_once(20, lambda n: send(daily, a=n)))
    assert len(ids) == 1
    assert first not in ids
    assert Task.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("on_conflict", [OnConflict.RETURN, OnConflict.REPLACE])
def test_callers_with_the_same_keys_in_other_orders_do_not_lock_each_other(on_conflict):
    def work(number):
        numbers = range(300) if number % 2 else range(299, -1, -1)
        return enqueue_many(
            "trial_add",
            [{"a": n, "b": 0} for n in numbers],
            unique=lambda row: Unique(str(row["a"]), on_conflict=on_conflict),
        )

    at_once(4, work)
    assert Task.objects.count() == 300


@pytest.mark.django_db(transaction=True)
def test_a_caller_waits_for_an_unfinished_transaction_and_takes_its_place():
    inserted, outcomes = threading.Event(), []

    def second():
        inserted.wait(5)
        outcomes.append(send(Unique("x"), a=2))
        connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        send(Unique("x"), a=1)
        inserted.set()
        thread.join(0.2)
        assert not outcomes, "it must not be told of a task that may never be"
        raise ZeroDivisionError
    thread.join(5)
    assert Task.objects.get().pk == outcomes[0]
    assert Task.objects.get().kwargs["a"] == 2
