"""What all samplers of directions have in common: shape, repeatability, first two moments, a registry."""

import subprocess
import sys

import numpy as np
import pytest
from helpers import near, same
from samplers import SAMPLERS, UNBIASED, draws

from esmaml_mpi.directions import DIRECTIONS, make_sampler, sampler_class
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.reproducibility.randomness import SETUP, Purpose, Streams

# Fewer directions than parameters, more, several blocks, one of each.
SIZES = [(6, 4), (6, 20), (5, 1), (1, 3), (1, 1), (8, 8), (33, 5)]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(("dimension", "count"), SIZES)
def test_directions_are_finite_distinct_and_the_callers_own(name, dimension, count):
    first, second = (SAMPLERS[name].draw(np.random.default_rng(s), dimension, count) for s in (0, 1))
    assert first.shape == (dimension, count) and first.dtype == float
    assert first.flags.c_contiguous and first.flags.writeable
    assert np.isfinite(first).all() and not np.isin(first[first != 0], second).any()
    assert len(np.unique(first, axis=1).T) == count


@pytest.mark.parametrize("name", SAMPLERS)
def test_all_chance_is_in_the_generator(name):
    streams = Streams(4)
    first, again, other = (
        SAMPLERS[name].draw(streams.generator(Purpose.ADAPTATION, SETUP, unit=unit), 6, 5) for unit in (1, 1, 2)
    )
    assert same(first, again) and not same(first, other)


def test_gaussian_directions_are_those_of_the_stream():
    filled = np.empty((6, 20))
    Streams(4).fill_normals(filled, Purpose.ADAPTATION, SETUP, unit=1)
    generator = Streams(4).generator(Purpose.ADAPTATION, SETUP, unit=1)
    assert same(make_sampler("gaussian").draw(generator, 6, 20), filled)


@pytest.mark.slow
@pytest.mark.parametrize("name", UNBIASED)
@pytest.mark.parametrize(("dimension", "count"), [(4, 3), pytest.param(4, 10, marks=pytest.mark.slow), (6, 5), (1, 2)])
def test_each_direction_has_the_first_two_moments_of_a_standard_normal(name, dimension, count):
    g = draws(name, dimension, count, 3000)
    assert near(g, 0.0)
    products = np.einsum("rak,rbk->rkab", g, g)  # of each direction by itself, not of their mean
    assert near(products, np.eye(dimension))
    assert not near(1.2 * products, np.eye(dimension))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dpp_rbf", "dpp_released"])
def test_determinantal_directions_by_distance_are_too_long_and_equally_so_along_every_axis(name):
    g = draws(name, 4, 5, 3000)
    assert near(g, 0.0)
    products = np.einsum("rak,rbk->rab", g, g) / 5
    size = np.einsum("raa->r", products).mean() / 4
    assert 1.1 < size < 1.5  # what the estimate of a linear function is multiplied by
    assert near(products, size * np.eye(4))


@pytest.mark.slow
@pytest.mark.parametrize("name", UNBIASED)
def test_fourth_moments_are_those_that_the_sampler_claims(name):
    dimension = 4
    g = draws(name, dimension, 3, 6000, seed=1)
    fourth, mixed = (3.0, 1.0)
    if name == "hadamard":  # p = 4
        fourth, mixed = 3 - 8 / 4**2 + 8 / 4**3, 1 + 8 / 4**3
    assert near((g**4).mean(axis=2), fourth)
    assert near((g[:, 0] ** 2 * g[:, 1] ** 2).mean(axis=1), mixed)


def test_the_registry_names_what_is_wrong():
    with pytest.raises(ConfigError, match=r"meta\.directions 'ortogonal' does not exist.*'orthogonal'"):
        make_sampler("ortogonal", section="meta")
    with pytest.raises(ConfigError, match=r"meta\.direction_options\.rh.*meta\.direction_options\.rho"):
        make_sampler("dpp", {"rh": 3}, "meta")
    with pytest.raises(ConfigError, match=r"adaptation\.direction_options\.rho = 1: a value >= 2"):
        make_sampler("dpp", {"rho": 1})
    with pytest.raises(ConfigError, match=r"adaptation\.direction_options\.length = 0\.0"):
        make_sampler("dpp", {"length": 0})


def test_a_sampler_whose_library_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats.qmc", None)
    monkeypatch.delitem(sys.modules, "esmaml_mpi.directions.quasi_monte_carlo", raising=False)
    with pytest.raises(ConfigError, match=r"directions\.name = 'quasi_monte_carlo' cannot be used.*scipy"):
        sampler_class("quasi_monte_carlo")


@pytest.mark.parametrize(("name", "loads"), [(name, name == "quasi_monte_carlo") for name in DIRECTIONS])
def test_scipy_is_loaded_for_the_one_that_needs_it(name, loads):
    code = (
        f"from esmaml_mpi.directions import make_sampler as m; m({name!r}); import sys; print('scipy' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == str(loads)
