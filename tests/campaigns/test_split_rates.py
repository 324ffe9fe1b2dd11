"""Rates, intervals and chances against what is known of them by other ways."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.split_rates import (
    Rate,
    interval_of,
    probabilities_best,
    sample_needed,
)
from campaigns.splitting import Share, judge, pick, point_of, thompson_shares

RATES = st.integers(0, 3000).flatmap(
    lambda trials: st.builds(Rate, st.integers(0, trials), st.just(trials))
)


def exactly_better(a, b):
    """The closed form for two whole-numbered Beta distributions: P(b > a)."""

    def log_beta(x, y):
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)

    a1, a2 = a.successes + 1, a.trials - a.successes + 1
    b1, b2 = b.successes + 1, b.trials - b.successes + 1
    return math.fsum(
        math.exp(
            log_beta(a1 + i, a2 + b2)
            - math.log(b2 + i)
            - log_beta(1 + i, b2)
            - log_beta(a1, a2)
        )
        for i in range(b1)
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Rate(0, 0), Rate(0, 0)),
        (Rate(0, 10), Rate(1, 10)),
        (Rate(20, 1000), Rate(30, 1000)),
        (Rate(30, 1000), Rate(60, 1000)),
        (Rate(500, 100_000), Rate(2, 100)),
        (Rate(7, 7), Rate(0, 7)),
    ],
)
def test_the_chance_of_two_is_the_exact_one(a, b):
    chances = probabilities_best([a, b])

    assert chances[1] == pytest.approx(exactly_better(a, b), abs=1e-4)


@given(RATES, RATES)
def test_the_chance_of_any_two_is_the_exact_one(a, b):
    assert probabilities_best([a, b])[1] == pytest.approx(
        exactly_better(a, b), abs=1e-3
    )


@given(st.lists(RATES, min_size=1, max_size=5))
def test_chances_add_up_to_one(rates):
    chances = probabilities_best(rates)

    assert sum(chances) == pytest.approx(1)
    assert all(0 <= chance <= 1 for chance in chances)


def test_variants_alike_have_the_same_chance():
    assert probabilities_best([Rate(3, 100)] * 4) == pytest.approx([0.25] * 4)


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [
        # Beta(1, 1) is even; Beta(1, n + 1) and Beta(n + 1, 1) have closed quantiles.
        (Rate(0, 0), 0.025, 0.975),
        (Rate(0, 99), 1 - 0.975**0.01, 1 - 0.025**0.01),
        (Rate(99, 99), 0.025**0.01, 0.975**0.01),
    ],
)
def test_an_interval_is_the_known_one(rate, low, high):
    assert interval_of(rate) == pytest.approx((low, high), abs=2e-4)


def exactly_below(rate, x):
    """Beta(a, b) is below x as often as n throws of chance x hit at least a times."""
    a, n = rate.successes + 1, rate.trials + 1
    return math.fsum(
        math.comb(n, hits) * x**hits * (1 - x) ** (n - hits) for hits in range(a, n + 1)
    )


@given(
    st.integers(0, 300).flatmap(
        lambda n: st.builds(Rate, st.integers(0, n), st.just(n))
    )
)
def test_an_interval_leaves_as_much_below_as_above(rate):
    low, high = interval_of(rate)

    assert exactly_below(rate, low) == pytest.approx(0.025, abs=1e-3)
    assert exactly_below(rate, high) == pytest.approx(0.975, abs=1e-3)


def test_the_sample_fits_rates_of_two_to_five_percent():
    assert sample_needed() == 764
    assert sample_needed(0.02) == 1164
    assert sample_needed(0.05) == 445
    # To tell 3 % from 4 % takes ten times the patience.
    assert sample_needed(0.03, 4 / 3) == pytest.approx(5404, abs=2)


def test_shares_follow_the_weights_and_stay_where_they_are():
    shares = [Share(1, 3), Share(2, 1), Share(3, 0)]
    addresses = [f"owner{number}@x.example" for number in range(4000)]

    got = [pick(shares, point_of(7, 1, address)) for address in addresses]

    assert got == [pick(shares, point_of(7, 1, address)) for address in addresses]
    assert got.count(3) == 0
    assert got.count(2) == pytest.approx(1000, abs=100)


def test_steps_and_campaigns_divide_independently():
    points = [
        (point_of(1, 1, a), point_of(1, 2, a), point_of(2, 1, a))
        for a in (f"owner{number}@x.example" for number in range(4000))
    ]

    for one, other in ((0, 1), (0, 2), (1, 2)):
        both = sum(p[one] < 0.5 and p[other] < 0.5 for p in points)
        assert both == pytest.approx(1000, abs=110)


@given(
    st.lists(st.integers(0, 5), max_size=4),
    st.floats(0, 1, exclude_max=True),
)
def test_only_variants_with_a_weight_are_picked(weights, point):
    shares = [Share(number, weight) for number, weight in enumerate(weights)]

    picked = pick(shares, point)

    assert (picked is None) == (not any(weights))
    assert picked is None or weights[picked] > 0


def test_thompson_sampling_gives_each_as_much_as_it_is_likely_best():
    shares = [Share(1, 1), Share(2, 5), Share(3, 0)]
    rates = [Rate(20, 1000), Rate(30, 1000), Rate(900, 1000)]

    favoured = thompson_shares(shares, rates)

    assert [share.variant_id for share in favoured] == [1, 2]
    assert favoured[1].weight == pytest.approx(exactly_better(*rates[:2]), abs=1e-4)


@pytest.mark.parametrize(
    ("rates", "winner", "sentence"),
    [
        ([Rate(9, 30), Rate(0, 30)], None, "Too early: A has 30 of the 764 mails"),
        ([Rate(23, 800), Rate(20, 700)], None, "Too early: B has 700 of the 764"),
        ([Rate(24, 800), Rate(26, 800)], None, "Open: B is the best with a probability"),
        ([Rate(24, 800), Rate(50, 800)], 1, "B is the best with a probability of 99.9%"),
        ([Rate(24, 800)], None, "There are no two variants"),
    ],
)  # fmt: skip
def test_a_winner_needs_enough_mails_and_enough_certainty(rates, winner, sentence):
    verdict = judge(["A", "B"], rates, threshold=0.95, sample=764)

    assert verdict.winner == winner
    assert verdict.sentence.startswith(sentence)
