"""The names that `tasks` gives to other rooms."""

from __future__ import annotations

import pytest

import tasks


def test_every_name_is_there_and_comes_from_the_module_it_is_said_to():
    assert set(tasks.__all__) == set(tasks._HOMES)
    for name, home in tasks._HOMES.items():
        assert getattr(tasks, name).__module__ == home


def test_another_name_is_refused_as_of_any_module():
    with pytest.raises(AttributeError, match="has no attribute 'enqueu'"):
        tasks.enqueu  # noqa: B018 - the look is the test


@pytest.mark.django_db
def test_a_task_is_enqueued_by_the_short_name():
    assert tasks.enqueue("trial_add", a=1, b=2)
