"""Bootstrap intervals: against enumeration and closed forms, and how often they hold what they should."""

import itertools

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("scripts")


def test_against_all_resamples():
    import bootstrap
    from scipy.special import ndtr, stdtrit

    values = np.array([1.0, 2.0, 4.0, 9.0, 11.0, 30.0])
    means = np.array(list(itertools.product(values, repeat=6))).mean(axis=1)
    tail = ndtr(np.sqrt(6 / 5) * stdtrit(5, 0.05))  # of the expanded 90 % interval
    low, high = bootstrap.interval(values, 0.9)
    rank = [np.mean(means < low), np.mean(means > high)]
    assert rank == pytest.approx([tail, tail], abs=4 * np.sqrt(tail / bootstrap.RESAMPLES))


def test_is_students_where_means_are_normal():
    import bootstrap
    from scipy.special import ndtri, stdtrit

    values = ndtri((np.arange(30) + 0.5) / 30)
    half = stdtrit(29, 0.975) * values.std(ddof=1) / np.sqrt(30)
    assert bootstrap.interval(values) == pytest.approx([-half, half], rel=0.04)


@pytest.mark.slow
def test_coverage_of_a_known_mean():
    import bootstrap

    drawn = np.random.default_rng(5).normal(3.0, 2.0, (8, 2000))
    low, high = bootstrap.interval(drawn)
    assert 0.93 < np.mean((low < 3) & (3 < high)) < 0.965
    low, high = bootstrap.interval(drawn[:3])
    assert np.mean((low < 3) & (3 < high)) == pytest.approx(bootstrap.most_confidence(3), abs=0.03)


def test_three_values_reach_from_the_least_to_the_largest():
    import bootstrap

    assert bootstrap.interval(np.array([5.0, 1.0, 2.0])) == (1.0, 5.0)
    assert [bootstrap.most_confidence(n) for n in (1, 2, 3, 5)] == [0.0, 0.5, 0.75, 0.9375]


def test_columns_stand_alone_and_little_is_nothing():
    import bootstrap

    values = np.random.default_rng(0).normal(size=(5, 300))
    low, high = bootstrap.interval(values)
    assert (low[299], high[299]) == pytest.approx(bootstrap.interval(values[:, 299]))
    assert np.isnan(bootstrap.interval(np.array([1.0]))).all()
    assert np.isnan(bootstrap.difference_interval(np.array([1.0]), values[:, 0])).all()


@pytest.mark.slow
def test_difference():
    import bootstrap

    two = np.array([2.0, 2.0, 2.0])
    assert bootstrap.difference_interval(two, two - 5) == (5.0, 5.0)
    rng, hits = np.random.default_rng(1), 0
    a = rng.normal(size=9)
    low, high = bootstrap.interval(a)
    assert bootstrap.difference_interval(a, two) == pytest.approx((low - 2, high - 2))
    for _ in range(400):
        low, high = bootstrap.difference_interval(rng.normal(1, 3, 8), rng.normal(0, 1, 12))
        hits += low < 1 < high
    assert 0.92 < hits / 400 < 0.98


def test_resamples_of_two_sides_are_independent():
    import bootstrap

    values = np.random.default_rng(1).normal(size=12)
    low, high = bootstrap.difference_interval(values, values.copy())
    alone = np.diff(bootstrap.interval(values))[0]
    assert high - low == pytest.approx(np.sqrt(2) * alone, rel=0.1)


def test_the_farther_of_two_intervals_counts():
    import bootstrap
    import intervals

    values = np.array([5.0, 6.0, 9.0])
    low, high = intervals.of_mean(values)
    assert high - low == pytest.approx(2 * 4.302653 * values.std(ddof=1) / np.sqrt(3), rel=1e-6)  # Student's
    skewed = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 40.0])
    low, high = intervals.of_mean(skewed)
    assert high == bootstrap.interval(skewed)[1] > intervals.welch(skewed, np.zeros(2))[1] > 0 > low
