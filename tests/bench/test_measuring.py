from __future__ import annotations

import pytest

from tests.bench.measuring import (
    Comparison,
    Series,
    Target,
    paired_ratio,
    percentile,
)


def test_a_series_knows_its_middle_and_its_edges():
    series = Series("a", (3.0, 1.0, 10.0))
    assert (series.median, series.low, series.high) == (3.0, 1.0, 10.0)


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile(values, 100) == 100
    assert percentile(values, 0) == 1
    assert percentile([7.0], 99) == 7


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 101), ([1.0], -1)])
def test_a_percentile_of_nothing_is_refused(values, percent):
    with pytest.raises(ValueError, match="A percentile needs"):
        percentile(values, percent)


def test_ratios_are_taken_round_by_round():
    # The machine was ten times slower in the second round, for both alike.
    ours, peer = Series("a", (100.0, 10.0, 90.0)), Series("b", (50.0, 5.0, 60.0))
    assert paired_ratio(ours, peer) == 2.0


def test_ratios_of_rounds_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="zip"):
        paired_ratio(Series("a", (1.0, 2.0)), Series("b", (1.0,)))


def test_a_target_is_judged_by_the_peer_it_names():
    target = Target(2.0, "at least", "c")
    series = [Series(name, (value,)) for name, value in (("a", 6.0), ("b", 1.0))]
    third = Series("c", (4.0,))
    comparison = Comparison("x", "y", series[0], (series[1], third), (target,))
    assert comparison.judged(target) == 1.5
    assert not target.is_met(1.5)
    assert target.is_met(2.0)


def test_a_target_without_a_peer_is_judged_by_our_own_figure():
    target = Target(10.0, "under")
    comparison = Comparison("x", "ms", Series("a", (9.0, 9.9, 30.0)), (), (target,))
    assert comparison.judged(target) == 9.9
    assert target.is_met(9.9)
    assert not target.is_met(10.0)
