"""Active-subspace directions: their distribution, the weights that undo it, and the exploration probability."""

import numpy as np
import pytest
from helpers import near

from esmaml_mpi.directions.active_subspace import (
    LENGTHS,
    ActiveSubspace,
    in_subspace,
    moment,
    optimal_probability,
    squared_parts,
)

D, R, COUNT = 7, 2, 40000
BASIS = np.linalg.qr(np.random.default_rng(0).standard_normal((D, R)))[0]
INSIDE = BASIS @ BASIS.T
GRADIENT = np.array([1.0, -2.0, 0.5, 0.0, 3.0, -1.0, 0.7])
SAMPLER = ActiveSubspace(0.7)


def draw(p=0.7, count=COUNT, basis=BASIS, seed=1, dimension=D):
    return SAMPLER.draw(np.random.default_rng(seed), dimension, count, basis, p)


def variance(p, s_act, s_orth, r, d, lengths):
    """V(p) of the module's docstring."""
    return moment(r, d, lengths) * s_act / p + moment(d - r, d, lengths) * s_orth / (1 - p)


def test_each_direction_is_in_one_part_with_its_probability():
    directions = draw()
    share = ((INSIDE @ directions) ** 2).sum(axis=0) / (directions**2).sum(axis=0)
    active = share > 0.5
    assert np.abs(share - active).max() < 1e-12
    assert near(active.astype(float), 0.7)
    assert np.array_equal(in_subspace(directions, BASIS), active)


@pytest.mark.parametrize("part", ["inside", "outside"])
def test_lengths_are_chi_d_and_not_one(part):
    directions = draw()
    active = in_subspace(directions, BASIS)
    squares = (directions**2).sum(axis=0)[active if part == "inside" else ~active]
    assert near(squares, D) and near(squares**2, D * (D + 2)) and near(squares**3, D * (D + 2) * (D + 4))
    assert not near(squares, 1.0)


@pytest.mark.parametrize("p", [0.1, 0.7, 0.95])
def test_the_covariance_is_the_one_stated(p):
    directions = draw(p).T
    expected = p * D / R * INSIDE + (1 - p) * D / (D - R) * (np.eye(D) - INSIDE)
    assert near(directions[:, :, None] * directions[:, None, :], expected)
    assert np.trace(expected) == pytest.approx(D)


@pytest.mark.parametrize("p", [1e-6, 0.1, 0.9, 1 - 1e-6])
def test_the_covariance_is_definite_and_the_weights_finite_at_any_probability(p):
    directions = draw(p, 200)
    covariance = p * D / R * INSIDE + (1 - p) * D / (D - R) * (np.eye(D) - INSIDE)
    assert np.linalg.eigvalsh(covariance).min() > 0
    weights = SAMPLER.importance(directions, BASIS, p)
    assert np.isfinite(directions).all() and np.isfinite(weights).all() and (weights > 0).all()
    np.testing.assert_allclose(weights * directions, np.linalg.solve(covariance, directions), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_the_weighted_average_is_unbiased_and_the_plain_one_is_not(p):
    directions = draw(p)
    products = (GRADIENT @ directions) * directions
    assert near((SAMPLER.importance(directions, BASIS, p) * products).T, GRADIENT)
    assert not near(products.T, GRADIENT)


def test_it_is_unbiased_for_the_forward_differences_of_a_quadratic():
    rng, sigma = np.random.default_rng(2), 0.7
    curvature = rng.standard_normal((D, D))
    directions = draw()
    differences = GRADIENT @ directions + sigma * np.einsum("in,ij,jn->n", directions, curvature, directions)
    assert near((SAMPLER.importance(directions, BASIS, 0.7) * differences * directions).T, GRADIENT)


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_the_second_moment_of_the_weighted_average_is_v(p):
    directions = draw(p)
    estimates = SAMPLER.importance(directions, BASIS, p) * (GRADIENT @ directions) * directions
    assert near((estimates**2).sum(axis=0), variance(p, *squared_parts(GRADIENT, BASIS), R, D, "full"))
    assert not near((estimates**2).sum(axis=0), variance(p, *squared_parts(GRADIENT, BASIS), R, D, "part"))


def test_the_paper_s_v_is_that_of_gaussian_directions_in_each_part():
    rng, p = np.random.default_rng(3), 0.6
    normals = rng.standard_normal((D, COUNT))
    active = rng.random(COUNT) < p
    directions = np.where(active, INSIDE @ normals, normals - INSIDE @ normals)
    estimates = np.where(active, 1 / p, 1 / (1 - p)) * (GRADIENT @ directions) * directions
    assert near(estimates.T, GRADIENT)
    assert near((estimates**2).sum(axis=0), variance(p, *squared_parts(GRADIENT, BASIS), R, D, "part"))


@pytest.mark.parametrize("basis", [None, np.empty((D, 0)), np.eye(D)])
def test_without_two_parts_directions_are_the_isotropic_stream(basis):
    directions = draw(count=9, basis=basis)
    assert np.array_equal(directions, np.random.default_rng(1).standard_normal((D, 9)))
    assert np.array_equal(SAMPLER.importance(directions, basis), np.ones(9))


@pytest.mark.parametrize("dimension, r", [(2, 1), (50, 1), (50, 49), (1000, 30)])
def test_parts_of_any_size_are_kept_apart(dimension, r):
    basis = np.linalg.qr(np.random.default_rng(4).standard_normal((dimension, r)))[0]
    directions = draw(0.5, 40, basis, dimension=dimension)
    share = ((basis.T @ directions) ** 2).sum(axis=0) / (directions**2).sum(axis=0)
    assert np.all((share < 1e-20) | (share > 1 - 1e-12)) and 0 < (share > 0.5).sum() < 40


def test_the_setting_is_the_probability_when_none_is_given():
    first = SAMPLER.draw(np.random.default_rng(5), D, 50, BASIS)
    assert np.array_equal(first, draw(0.7, 50, seed=5)) and not np.array_equal(first, draw(0.2, 50, seed=5))
    assert np.array_equal(SAMPLER.importance(first, BASIS), SAMPLER.importance(first, BASIS, 0.7))


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("s_act, s_orth", [(1.0, 1.0), (9.0, 1.0), (0.1, 5.0), (1e-300, 2e-300), (1e300, 1e300)])
@pytest.mark.parametrize("r, d", [(1, 20), (5, 20), (19, 20), (3, 1000)])
def test_the_optimal_probability_minimises_v(lengths, s_act, s_orth, r, d):
    grid = np.linspace(0.001, 0.999, 999)
    scale = max(s_act, s_orth)
    brute = grid[np.argmin(variance(grid, s_act / scale, s_orth / scale, r, d, lengths))]
    assert optimal_probability(s_act, s_orth, r, d, lengths, floor=0.001) == pytest.approx(brute, abs=0.0006)


def test_the_default_is_the_formula_of_the_paper():
    active, rest = np.sqrt((3 + 2) * 2.0), np.sqrt((20 - 3 + 2) * 0.4)
    assert optimal_probability(2.0, 0.4, 3, 20) == pytest.approx(active / (active + rest), rel=1e-14)


@pytest.mark.parametrize(
    "s_act, s_orth", [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1e308, 1e-308), (np.inf, 0.0), (np.nan, 1.0)]
)
@pytest.mark.parametrize("r", [1, 19])
def test_the_probability_stays_inside_its_floor(s_act, s_orth, r):
    p = optimal_probability(s_act, s_orth, r, 20, floor=0.02)
    assert 0.02 <= p <= 0.98
