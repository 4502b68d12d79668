"""Sobol directions: even in space, finite, and limited in dimension."""

import warnings

import numpy as np
import pytest
from samplers import SAMPLERS, draws
from scipy import stats

from esmaml_mpi.directions import quasi_monte_carlo
from esmaml_mpi.errors import ConfigError

SAMPLER = SAMPLERS["quasi_monte_carlo"]


def test_each_coordinate_has_one_point_in_each_of_count_equal_shares():
    for directions in draws("quasi_monte_carlo", 7, 16, 5):
        cells = np.floor(16 * stats.norm.cdf(directions)).astype(int)
        assert np.array_equal(np.sort(cells, axis=1), np.tile(np.arange(16), (7, 1)))


def test_a_direction_alone_is_a_standard_normal():
    found = draws("quasi_monte_carlo", 2, 5, 1500)
    for k in (0, 4):
        for a in (0, 1):
            assert stats.kstest(found[:, a, k], "norm").pvalue > 0.01


@pytest.mark.parametrize(("count", "gain"), [(20, 2.0), (32, 5.0), (128, 15.0)])
def test_a_smooth_mean_is_closer_than_by_independent_directions(count, gain):
    def squared_errors(name):
        g = draws(name, 3, count, 400)
        return (np.cos(g.sum(axis=1) / 2).mean(axis=1) - np.exp(-3 / 8)) ** 2  # g_1 + g_2 + g_3 is N(0, 3)

    assert squared_errors("gaussian").mean() > gain * squared_errors("quasi_monte_carlo").mean()


def test_a_coordinate_of_zero_is_not_infinite(monkeypatch):
    class Corner:
        """The first point of an unscrambled sequence, and the last lattice point there is."""

        MAXDIM = 2

        def __init__(self, *_, **__):
            pass

        def random_base2(self, power):
            return np.array([[0.0, 1 - 0.5**30]])

    monkeypatch.setattr(quasi_monte_carlo, "Sobol", Corner)
    low, high = SAMPLER.draw(np.random.default_rng(0), 2, 1)[:, 0]
    assert -7 < low < -6 and low == pytest.approx(-high, rel=1e-6)


@pytest.mark.parametrize("count", [1, 5, 16, 17])
def test_no_warning_for_any_count(count):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert SAMPLER.draw(np.random.default_rng(0), 3, count).shape == (3, count)


def test_fewer_are_the_first_of_more():
    few, more = (SAMPLER.draw(np.random.default_rng(0), 3, count) for count in (5, 8))
    assert np.array_equal(few, more[:, :5])


def test_dimensions_beyond_the_tables_are_refused_by_name():
    SAMPLER.check(21201, 20)
    for refused in (SAMPLER.check, lambda d, k: SAMPLER.draw(np.random.default_rng(0), d, k)):
        with pytest.raises(ConfigError, match=r"at most 21201 parameters, and the policy has 21202"):
            refused(21202, 20)
    with pytest.raises(ConfigError, match=r"at most 2\*\*30 directions"):
        SAMPLER.check(6, 2**30 + 1)
