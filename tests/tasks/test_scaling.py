"""How a pool grows and shrinks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scaling import CALM_SECONDS, Load, Pool, is_calm, wanted_size

IDLE = Load(waiting=0, oldest_seconds=0, running=0)


def pool(size, minimum=3, maximum=10):
    return Pool(size, minimum, maximum, threads=8)


@pytest.mark.parametrize(
    ("load", "size"),
    [
        (Load(waiting=1, oldest_seconds=6, running=40), 6),
        (Load(waiting=500, oldest_seconds=1, running=40), 6),
        (Load(waiting=100, oldest_seconds=1, running=40), 5),
        (IDLE, 5),
    ],
)
def test_a_late_or_a_large_backlog_calls_for_one_more(load, size):
    assert wanted_size(pool(5), load, calm_seconds=0) == size


def test_a_pool_shrinks_only_after_a_long_calm():
    assert wanted_size(pool(5), IDLE, CALM_SECONDS - 1) == 5
    assert wanted_size(pool(5), IDLE, CALM_SECONDS) == 4


def test_it_is_not_calm_while_the_others_could_not_take_over_what_runs():
    assert is_calm(pool(5), Load(waiting=0, oldest_seconds=0, running=32))
    assert not is_calm(pool(5), Load(waiting=0, oldest_seconds=0, running=33))
    assert not is_calm(pool(5), Load(waiting=1, oldest_seconds=0, running=0))


@given(
    st.integers(0, 20),
    st.builds(Load, st.integers(0, 10**5), st.floats(0, 10**5), st.integers(0, 500)),
    st.floats(0, 10**4),
)
def test_a_pool_stays_within_its_bounds_and_moves_by_one(size, load, calm):
    wanted = wanted_size(pool(size), load, calm)
    assert 3 <= wanted <= 10
    if 3 <= size <= 10:
        assert abs(wanted - size) <= 1


def test_a_fixed_pool_stays_as_it_is():
    crowd = Load(waiting=10**5, oldest_seconds=10**5, running=16)
    assert wanted_size(pool(2, 2, 2), crowd, 0) == 2
    assert wanted_size(pool(2, 2, 2), IDLE, 10**5) == 2
