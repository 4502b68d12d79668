"""Tests of difference: against enumeration, by hand, and against another implementation."""

import itertools

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("scripts")


@pytest.mark.slow
def test_welch():
    from scipy.stats import ttest_ind
    from significance import welch

    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, 4), rng.normal(2, 5, 9)
    test, expected = welch(a, b), ttest_ind(a, b, equal_var=False)
    assert (test.t, test.p, test.freedom) == pytest.approx((expected.statistic, expected.pvalue, expected.df))
    assert np.isnan(welch(a[:1], b).p) and np.isnan(welch(np.ones(3), np.zeros(3)).p)


def test_equal_values_have_no_spread_however_their_mean_is_rounded():
    from bootstrap import difference_interval
    from significance import hedges_g, hedges_g_one, variance, welch

    alike, other = np.full(3, 0.1), np.zeros(3)
    assert alike.var(ddof=1) > 0 and variance(alike) == 0  # the mean of three times 0.1 is not 0.1
    assert np.isnan(welch(alike, other).p) and np.isnan(hedges_g(alike, other)) and np.isnan(hedges_g_one(alike))
    assert difference_interval(alike, other) == (alike.mean(), alike.mean())
    assert variance(np.array([1.0, 2.0, 4.0])) == pytest.approx(7 / 3)


def test_permutation_is_the_share_of_orders_that_are_as_extreme():
    from significance import permutation

    a, b = np.array([0.3, 1.7, 2.0]), np.array([1.1, 3.9, 4.4, 0.2])
    differences = [np.mean(order[:3]) - np.mean(order[3:]) for order in itertools.permutations([*a, *b])]
    expected = np.mean(np.abs(differences) >= abs(a.mean() - b.mean()) - 1e-12)
    assert permutation(a, b) == permutation(b, a) == pytest.approx(expected)
    assert permutation(np.full(4, 0.1), np.full(3, 0.1)) == 1.0
    assert np.isnan(permutation(a, np.empty(0)))


@pytest.mark.parametrize(("n", "m", "p"), [(3, 3, 0.1), (5, 5, 2 / 252), (2, 5, 1 / 21), (1, 1, 1.0)])
def test_smallest_p_is_that_of_sets_apart(n, m, p):
    from significance import permutation, smallest

    assert smallest(n, m) == pytest.approx(p)
    assert permutation(np.arange(n) + 0.1 * np.arange(n) ** 2, 100.0 + np.arange(m)) == pytest.approx(p)


def test_permutation_keeps_its_level():
    from significance import permutation

    drawn = np.random.default_rng(3).exponential(size=(1500, 2, 3))
    rejected = np.mean([permutation(a, b) <= 0.1 + 1e-12 for a, b in drawn])
    assert rejected == pytest.approx(0.1, abs=0.025)


def test_many_seeds_are_split_at_random_and_always_the_same():
    from significance import MOST_SPLITS, permutation, smallest, welch

    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, 15), rng.normal(0.8, 1, 15)
    p = permutation(a, b)
    assert p == permutation(a, b) == pytest.approx(welch(a, b).p, rel=0.15)
    assert permutation(a, b + 100) == pytest.approx(1 / (MOST_SPLITS + 1)) == pytest.approx(smallest(15, 15))


def test_holm_by_hand():
    from significance import holm

    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    adjusted = holm(np.array([0.02, np.nan, 0.6, 0.7]))
    assert adjusted == pytest.approx([0.06, np.nan, 1.0, 1.0], nan_ok=True)


def test_effect_size_by_hand():
    from significance import hedges_g

    assert hedges_g(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])) == pytest.approx(-0.8)
    assert np.isnan(hedges_g(np.ones(3), np.zeros(3))) and np.isnan(hedges_g(np.arange(2.0), np.zeros(1)))


@pytest.mark.parametrize("n", [2, 5, 15])
def test_least_effect_is_just_told(n):
    import significance

    a = np.arange(n, dtype=float)
    spread, correction = a.std(ddof=1), 1 - 3 / (8 * (n - 1) - 1)
    apart = a + significance.least_effect(n, 0.001) / correction * spread
    assert significance.welch(apart, a).p == pytest.approx(0.001)
    assert significance.hedges_g(apart, a) == pytest.approx(significance.least_effect(n, 0.001))


def test_equivalence_is_the_worse_of_two_one_sided_tests():
    import significance
    from scipy.stats import ttest_ind

    a, b = np.array([1.0, 1.2, 0.9, 1.4, 1.1]), np.array([1.1, 0.8, 1.3, 1.0])
    low = ttest_ind(a + 0.5, b, equal_var=False, alternative="greater").pvalue
    high = ttest_ind(a - 0.5, b, equal_var=False, alternative="less").pvalue
    assert significance.equivalence(a, b, 0.5) == pytest.approx(max(low, high))
    assert significance.equivalence(a, b + 5, 0.5) > 0.99


def test_effect_of_one_side_is_its_mean_in_standard_deviations():
    import significance

    a = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert significance.hedges_g_one(a) == pytest.approx(3 / np.sqrt(2.5) * (1 - 3 / 15))
    assert np.isnan(significance.hedges_g_one(np.ones(5))) and np.isnan(significance.hedges_g_one(a[:2]))


def test_effect_size_of_sides_of_unlike_size_weighs_their_variances():
    from significance import hedges_g

    a, b = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([9.0, 13.0])  # squares of deviations: 10 and 8, of 5 freedoms
    assert hedges_g(a, b) == pytest.approx((1 - 3 / 19) * -8 / np.sqrt(18 / 5))
