"""Observation statistics against NumPy and exact rationals on the same data."""

from fractions import Fraction

import numpy as np
import pytest

from esmaml_mpi.observations.statistics import ObservationStatistics
from esmaml_mpi.reproducibility.exact_sums import to_limbs

RNG = np.random.default_rng(11)


def limbs_of(data):
    """Sums and sums of squares of observations (count, n), exact as long as the squares are."""
    return to_limbs(np.concatenate([data, data * data], axis=1)).sum(axis=0)


def statistics_of(*parts):
    statistics = ObservationStatistics(parts[0].shape[1])
    for part in parts:
        statistics.add(len(part), limbs_of(part))
    return statistics


def test_before_any_data_nothing_is_scaled():
    mean, std = ObservationStatistics(3).mean_std()
    assert np.array_equal(mean, np.zeros(3)) and np.array_equal(std, np.ones(3))


def test_mean_and_population_std_are_those_of_all_data_together():
    parts = [RNG.normal([0.0, -3.0, 1e4], [1.0, 0.2, 30.0], (count, 3)) for count in (1, 7, 100, 1000)]
    mean, std = statistics_of(*parts).mean_std()
    everything = np.concatenate(parts)
    # The sums are exact; what differs is the rounding of NumPy's own sums and of the squares.
    np.testing.assert_allclose(mean, everything.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(std, everything.std(axis=0), rtol=1e-9)


def test_nothing_cancels_however_large_the_offset():
    # Multiples of 1/16 around 2**20: squares are exact floats, so the answer must be right to the last rounding.
    data = 2.0**20 + np.round(RNG.normal(0.0, 5.0, (500, 1)) * 16) / 16
    mean, std = statistics_of(data).mean_std()
    values = [Fraction(value) for value in data[:, 0]]
    expected = sum(values) / len(values)
    variance = sum((value - expected) ** 2 for value in values) / len(values)
    assert mean[0] == float(expected)
    assert std[0] == np.sqrt(float(variance))


def test_order_and_grouping_do_not_matter():
    data = RNG.normal(0.0, 1.0, (300, 2)) * 10.0 ** RNG.integers(-12, 12, (300, 2))
    expected = statistics_of(data).to_arrays()
    for groups in (2, 5, 299):
        arrays = statistics_of(*np.array_split(RNG.permutation(data), groups)).to_arrays()
        assert np.array_equal(arrays["sums"], expected["sums"]) and arrays["count"] == expected["count"]


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e-3, 123456.789])
def test_a_constant_dimension_is_left_unscaled(value):
    data = np.stack([np.full(977, value), RNG.normal(size=977)], axis=1)
    mean, std = statistics_of(data).mean_std()
    assert mean[0] == pytest.approx(value, rel=1e-15)
    assert std[0] == 1.0
    assert std[1] == pytest.approx(data[:, 1].std())


def test_small_spread_around_a_large_mean_is_signal_until_it_is_rounding():
    for spread, scaled in ((1e-3, True), (1e-5, True), (1e-8, False)):
        data = 1.0 + spread * RNG.choice([-1.0, 1.0], (1000, 1))
        _, std = statistics_of(data).mean_std()
        # squares are rounded to 1e-16, which is 1e-6 of a variance of 1e-10
        assert std[0] == pytest.approx(data.std() if scaled else 1.0, rel=1e-5)


def test_a_single_observation_has_no_spread():
    _, std = statistics_of(np.array([[2.5]])).mean_std()
    assert std[0] == 1.0


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e18])
def test_saved_and_restored_statistics_go_on_as_if_nothing_had_happened(scale):
    first, second = RNG.normal(-1.0, 1.0, (2, 50, 3)) * scale
    arrays = statistics_of(first).to_arrays()
    assert all(np.asarray(array).dtype == np.int64 for array in arrays.values())
    restored = ObservationStatistics.from_arrays(arrays)
    restored.add(len(second), limbs_of(second))
    whole = statistics_of(first, second)
    assert restored.sums == whole.sums and restored.count == whole.count
    assert np.array_equal(restored.mean_std(), whole.mean_std())


def test_totals_far_beyond_one_addend_survive_saving():
    statistics = ObservationStatistics(1)
    for _ in range(3):
        statistics.add(2**31, np.full((2, 9), 2**62) * np.array([[-1], [1]]))
    restored = ObservationStatistics.from_arrays(statistics.to_arrays())
    assert restored.sums == statistics.sums and restored.sums[0] < 0 < restored.sums[1]
