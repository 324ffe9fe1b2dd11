"""The table of moves, in Python and in the database."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError, transaction

from tasks.models import Task
from tasks.states import FINISHED, TRANSITIONS, UNFINISHED, State, status_for_people


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("old", "new"),
    [pair for pair in itertools.product(State, State) if pair[0] != pair[1]],
)
def test_the_database_allows_exactly_the_moves_of_the_table(old, new):
    task = Task.objects.create(actor="trial_add", queue="default", state=old)
    move = Task.objects.filter(pk=task.pk)
    if new in TRANSITIONS[old]:
        move.update(state=new)
        task.refresh_from_db()
        assert task.state == new
    else:
        with pytest.raises(IntegrityError, match=f"may not move from {old} to {new}"):
            with transaction.atomic():
                move.update(state=new)


@pytest.mark.django_db
def test_the_database_refuses_a_state_nobody_knows():
    with (
        pytest.raises(IntegrityError, match="tasks_task_state_valid"),
        transaction.atomic(),
    ):
        Task.objects.create(actor="trial_add", queue="default", state="sleeping")


def test_every_state_is_either_finished_or_unfinished():
    assert set(UNFINISHED) | set(FINISHED) == set(State)
    assert not set(UNFINISHED) & set(FINISHED)


@pytest.mark.parametrize(
    ("state", "attempt", "word"),
    [
        (State.SCHEDULED, 0, "pending"),
        (State.QUEUED, 0, "pending"),
        (State.SCHEDULED, 2, "retrying"),
        (State.RUNNING, 1, "running"),
        (State.CANCELLED, 1, "cancelled"),
    ],
)
def test_people_read_six_words(state, attempt, word):
    assert status_for_people(state, attempt) == word
