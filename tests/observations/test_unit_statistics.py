"""Observation statistics of each unit by itself."""

import numpy as np

from esmaml_mpi.observations.unit_statistics import UnitStatistics


def test_units_have_their_own_and_rounding_is_no_spread():
    never = np.linspace(0.1, 5.0, 20)
    data = np.random.default_rng(1).normal([2.0, *never], [3.0, *(0.0 * never)], (2, 977, 21))
    statistics = UnitStatistics(2, 21)
    for part in np.split(data, [400], axis=1):
        statistics.add(np.stack([[part.shape[1], *unit.sum(axis=0), *(unit**2).sum(axis=0)] for unit in part]))
    mean, std = statistics.mean_std()
    np.testing.assert_allclose(mean, data.mean(axis=1).T)
    np.testing.assert_allclose(std[0], data[..., 0].std(axis=1))
    assert np.array_equal(std[1:], np.ones((20, 2)))
