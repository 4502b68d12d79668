"""LP decoding: exact under corruption with rows enough, harmless without."""

import warnings

import numpy as np
import pytest

from esmaml_mpi.decoders.lp import LPDecoding
from esmaml_mpi.decoders.ridge import Ridge


def corrupted(dimension, count, fraction, seed, shift=0.0):
    """Directions, gradient, and exact differences of which floor(fraction m) are replaced by values a thousand times as
    large.
    """
    rng = np.random.default_rng([seed, dimension, count])
    directions, gradient = rng.standard_normal((dimension, count)), rng.standard_normal(dimension)
    differences = gradient @ directions + shift
    struck = rng.permutation(count)[: int(fraction * count)]
    differences[struck] = 1e3 * rng.standard_normal(struck.size)
    return directions, gradient, differences


def error(decoder, *case, **more):
    """Relative error of a decode."""
    directions, gradient, differences = corrupted(*case, **more)
    return np.linalg.norm(decoder.decode(directions, differences) - gradient) / np.linalg.norm(gradient)


@pytest.mark.parametrize("dimension, count", [(2, 40), (6, 60), (18, 126)])
@pytest.mark.parametrize("seed", range(20))
def test_the_gradient_is_exact_with_23_percent_corrupted(dimension, count, seed):
    assert error(LPDecoding(), dimension, count, 0.23, seed) < 1e-9
    assert error(Ridge(), dimension, count, 0.23, seed) > 1


@pytest.mark.parametrize("dimension, count", [(6, 72), (18, 144)])
@pytest.mark.parametrize("seed", range(10))
def test_an_intercept_makes_it_exact_with_a_wrong_pivot_too(dimension, count, seed):
    assert error(LPDecoding(intercept=True), dimension, count, 0.2, seed, shift=500.0) < 1e-9
    assert error(LPDecoding(), dimension, count, 0.2, seed, shift=500.0) > 1


def against_an_adversary(count, fraction, seed):
    """Relative error for d = 6 when the differences that weigh most along one axis h agree on x + 1000 h."""
    directions, gradient, differences = corrupted(6, count, 0.0, seed)
    axis = np.random.default_rng(seed).standard_normal(6)
    struck = np.argsort(-np.abs(axis @ directions))[: int(fraction * count)]
    differences[struck] = (gradient + 1e3 * axis) @ directions[:, struck]
    return np.linalg.norm(LPDecoding().decode(directions, differences) - gradient) / np.linalg.norm(gradient)


def test_the_worst_corruption_is_withstood_up_to_about_23_percent():
    # The largest 23.9 % of standard normals hold half of the sum of their absolute values, which is where the adversary
    # outweighs the truth; 600 rows are near that limit.
    assert max(against_an_adversary(600, 0.20, seed) for seed in range(5)) < 1e-9
    assert min(against_an_adversary(600, 0.28, seed) for seed in range(5)) > 1


def test_it_fails_where_rows_are_few():
    assert min(error(LPDecoding(), 18, 24, 0.23, seed) for seed in range(10)) > 1


@pytest.mark.parametrize("dimension, count, intercept", [(1, 9, True), (4, 12, False), (4, 12, True), (4, 5, False)])
def test_it_is_the_minimum_of_the_sum_of_absolute_residuals(dimension, count, intercept):
    # The minimum is convex: no better point in many random directions at several distances means none at all nearby.
    directions, _, differences = corrupted(dimension, count, 0.3, 5)

    def loss(x):
        residuals = differences - x @ directions
        return np.abs(residuals - (np.median(residuals) if intercept else 0)).sum()

    found = LPDecoding(intercept).decode(directions, differences)
    rng = np.random.default_rng(6)
    best = loss(found)
    for distance in (1e-3, 1.0, 100.0):
        for step in distance * rng.standard_normal((200, dimension)):
            assert loss(found + step) >= best * (1 - 1e-12)


@pytest.mark.parametrize("dimension, count", [(6, 6), (18, 6), (500, 20)])
@pytest.mark.parametrize("intercept", [False, True])
def test_with_too_few_rows_the_shortest_interpolant_comes_back_without_a_warning(dimension, count, intercept):
    directions, _, differences = corrupted(dimension, count, 0.2, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = LPDecoding(intercept).decode(directions, differences)
    rows, wanted = directions, differences
    if intercept:
        rows, wanted = rows - rows.mean(axis=1, keepdims=True), wanted - wanted.mean()
    np.testing.assert_allclose(found, np.linalg.lstsq(rows.T, wanted, rcond=None)[0], rtol=1e-6, atol=1e-6)
    residuals = differences - found @ directions
    assert np.ptp(residuals) < 1e-6 * np.abs(differences).max()  # corruption included
    if not intercept:
        assert np.abs(residuals).max() < 1e-6 * np.abs(differences).max()


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_rewards_may_have_any_size(unit):
    directions, gradient, differences = corrupted(4, 60, 0.2, 8)
    np.testing.assert_allclose(LPDecoding().decode(directions, unit * differences), unit * gradient, rtol=1e-9)
