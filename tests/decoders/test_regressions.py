"""Ridge and lasso: closed form and optimality, on both sides of m = d; the average is unbiased."""

import numpy as np
import pytest
from helpers import near

from esmaml_mpi.decoders import make_decoder, ridge
from esmaml_mpi.decoders.average import Average
from esmaml_mpi.decoders.lasso import Lasso
from esmaml_mpi.decoders.ridge import Ridge

SHAPES = [(6, 20), (18, 20), (20, 20), (40, 20), (200, 20)]


def measurements(dimension, count, seed=0, noise=0.3):
    """Directions, a gradient, and noisy differences."""
    rng = np.random.default_rng([seed, dimension, count])
    directions, gradient = rng.standard_normal((dimension, count)), rng.standard_normal(dimension)
    return directions, gradient, gradient @ directions + noise * rng.standard_normal(count)


@pytest.mark.parametrize("directions", [1, 5])
def test_the_average_is_unbiased_for_a_linear_function(directions):
    rng = np.random.default_rng(1)
    gradient = np.array([1.0, -2.0, 0.5])
    found = [Average().decode(g, gradient @ g) for g in rng.standard_normal((20000, 3, directions))]
    assert near(np.array(found), gradient)


def test_the_average_is_the_sum_over_m_whatever_the_memory_layout():
    directions, _, differences = measurements(7, 50)
    expected = sum(g * b for g, b in zip(directions.T, differences, strict=True)) / 50
    found = Average().decode(directions, differences)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.array_equal(found, Average().decode(np.asfortranarray(directions), differences))


@pytest.mark.parametrize("dimension, count", SHAPES)
@pytest.mark.parametrize("regularization", [1e-3, 1.0, 50.0])
def test_ridge_equals_its_closed_form_from_both_sides(dimension, count, regularization):
    directions, _, differences = measurements(dimension, count)
    found = Ridge(regularization).decode(directions, differences)
    primal = np.linalg.solve(directions @ directions.T + regularization * np.eye(dimension), directions @ differences)
    dual = directions @ np.linalg.solve(directions.T @ directions + regularization * np.eye(count), differences)
    # The larger of the two systems may be singular up to lambda; the tolerance is for that one.
    np.testing.assert_allclose(found, primal, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found, dual, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dimension, count", SHAPES)
@pytest.mark.parametrize("intercept", [False, True])
def test_ridge_solves_the_smaller_of_the_two_systems(dimension, count, intercept, monkeypatch):
    sizes, solve = [], ridge.solve_positive

    def recorded(matrix, right):
        sizes.append(matrix.shape)
        return solve(matrix, right)

    monkeypatch.setattr(ridge, "solve_positive", recorded)
    directions, _, differences = measurements(dimension, count)
    Ridge(intercept=intercept).decode(directions, differences)
    assert sizes == [(min(dimension, count),) * 2]


def test_ridge_shrinks_by_rows_over_dimension_where_rows_are_few():
    rng = np.random.default_rng(2)
    gradient, dimension, count = np.linspace(1, 2, 12), 12, 3
    found = [Ridge(1e-9).decode(g, gradient @ g) for g in rng.standard_normal((5000, dimension, count))]
    assert near(np.array(found), gradient * count / dimension)


@pytest.mark.parametrize("decoder", [Ridge(0.7, intercept=True), Lasso(0.2, intercept=True)])
@pytest.mark.parametrize("dimension, count", [(6, 20), (40, 20)])
def test_an_intercept_makes_a_shift_of_the_pivot_invisible(decoder, dimension, count):
    directions, _, differences = measurements(dimension, count)
    found = decoder.decode(directions, differences)
    np.testing.assert_allclose(decoder.decode(directions, differences + 1e3), found, rtol=1e-8, atol=1e-9)
    plain = type(decoder)(decoder.regularization)
    assert np.abs(plain.decode(directions, differences + 1e3) - found).max() > 1


def test_ridge_with_intercept_minimises_over_the_intercept_as_well():
    directions, _, differences = measurements(4, 15)
    rows = np.vstack([directions, np.ones(15)])
    penalty = np.diag([0.7] * 4 + [0.0])
    expected = np.linalg.solve(rows @ rows.T + penalty, rows @ differences)[:4]
    np.testing.assert_allclose(Ridge(0.7, intercept=True).decode(directions, differences), expected, rtol=1e-9)


@pytest.mark.parametrize("dimension, count", SHAPES)
@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.9])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_lasso_satisfies_the_subgradient_conditions(dimension, count, fraction, unit):
    # 0 in A'(Ax - b)/m + lambda d|x|_1: correlations are lambda sign(x) where x is not zero, at most lambda elsewhere
    directions, _, differences = measurements(dimension, count)
    differences = unit * differences
    found = Lasso(fraction).decode(directions, differences)
    bound = fraction * np.abs(directions @ differences).max() / count
    correlations = directions @ (differences - found @ directions) / count
    assert np.abs(correlations).max() <= bound * (1 + 1e-7)
    support = found != 0
    assert support.any()
    np.testing.assert_allclose(correlations[support], bound * np.sign(found[support]), rtol=1e-7)


def test_lasso_in_one_dimension_is_soft_thresholding():
    directions, differences = np.array([[1.0, -2.0, 0.5]]), np.array([2.0, -1.0, 1.0])
    correlation, square = 4.5, 5.25
    np.testing.assert_allclose(Lasso(0.25).decode(directions, differences), [0.75 * correlation / square], rtol=1e-12)


def test_lasso_finds_the_support_of_a_sparse_gradient_with_fewer_rows_than_dimensions():
    rng = np.random.default_rng(3)
    gradient = np.zeros(100)
    gradient[[3, 50]] = 5.0, -4.0
    directions = rng.standard_normal((100, 40))
    found = Lasso(0.05).decode(directions, gradient @ directions)
    assert set(np.argsort(-np.abs(found))[:2]) == {3, 50}
    assert np.linalg.norm(found - gradient) < 0.1 * np.linalg.norm(gradient)
    assert np.linalg.norm(Ridge().decode(directions, gradient @ directions) - gradient) > 3


@pytest.mark.parametrize("name", ["average", "ridge", "lasso", "lp"])
@pytest.mark.parametrize("dimension, count", [(3, 9), (9, 3)])
def test_no_differences_no_gradient(name, dimension, count):
    directions = np.random.default_rng(4).standard_normal((dimension, count))
    assert np.array_equal(make_decoder(name).decode(directions, np.zeros(count)), np.zeros(dimension))
