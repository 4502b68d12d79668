"""Gradient estimators against closed forms of the Gaussian smoothing.

For f(x) = c + b.x + x'Ax / 2 the gradient of f_sigma is exactly b + A x. For linear f the covariance of one
direction's contribution is known.
"""

import numpy as np
import pytest
from helpers import deviations, near

from esmaml_mpi.estimators import ESTIMATORS

D, SIGMA, X = 3, 0.7, np.array([0.5, -1.0, 2.0])
B = np.array([1.0, -2.0, 0.5])
A = np.array([[2.0, 0.3, -0.5], [0.3, -1.0, 0.2], [-0.5, 0.2, 0.5]])


def quadratic(x, constant=0.0, linear=B, curvature=A):
    """x (d, ...) -> values (...)."""
    return constant + np.einsum("i,i...->...", linear, x) + np.einsum("i...,ij,j...->...", x, curvature, x) / 2


def estimates(name, f, count, directions=4, seed=0):
    """``count`` independent gradient estimates (count, d) at X."""
    estimator = ESTIMATORS[name]
    g = np.random.default_rng(seed).standard_normal((count, directions, D))
    signs = np.array(estimator.signs)
    points = X + SIGMA * signs[:, None] * g[..., None, :]
    values = f(np.moveaxis(points, -1, 0))
    pivot = np.broadcast_to(f(X), count) if estimator.needs_pivot else None
    differences = estimator.differences(values, pivot)
    assert differences.shape == (count, directions)
    return np.add.reduce(differences[..., None] * g, axis=1) / (directions * SIGMA)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("constant", [0.0, 5.0])
def test_mean_is_the_gradient_of_the_smoothed_quadratic(name, constant):
    found = estimates(name, lambda x: quadratic(x, constant), 20000)
    assert near(found, B + A @ X)
    assert not near(found, B)  # the check is sharp enough to see the curvature's part


@pytest.mark.parametrize("name", ESTIMATORS)
def test_mean_is_the_gradient_of_the_smoothing_and_not_of_f(name):
    # E f'(x + sigma g) for f = sum x^3: 3 x^2 + 3 sigma^2, a fifth more than f'(x) where x = -1
    found = estimates(name, lambda x: np.add.reduce(x**3, axis=0), 20000)
    assert near(found, 3 * X**2 + 3 * SIGMA**2)
    assert not near(found, 3 * X**2)


def one_direction_covariance(name, offset):
    """Covariance of one direction's contribution for f = offset + b.(x - X): |b|^2 I + bb'.

    Where the offset is not cancelled it adds offset^2 / sigma^2 I.
    """
    covariance = B @ B * np.eye(D) + np.outer(B, B)
    return covariance + (offset / SIGMA) ** 2 * np.eye(D) if name == "vanilla" else covariance


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("offset", [0.0, 3.0])
@pytest.mark.parametrize("directions", [1, 4, 16])
def test_covariance_on_a_linear_function_is_the_theoretical_one_over_m(name, offset, directions):
    found = estimates(name, lambda x: offset + np.einsum("i,i...->...", B, x) - B @ X, 20000, directions)
    deviation = found - B  # from the true mean, so that its products are unbiased
    products = deviation[:, :, None] * deviation[:, None, :]
    assert near(products, one_direction_covariance(name, offset) / directions)


def test_only_vanilla_pays_for_a_constant():
    spread = {
        name: [estimates(name, lambda x, c=c: quadratic(x, c), 2000).var(axis=0).sum() for c in (0.0, 100.0)]
        for name in ESTIMATORS
    }
    assert spread["vanilla"][1] > 100 * spread["vanilla"][0]
    for name in ("forward_fd", "antithetic"):
        assert spread[name][1] == pytest.approx(spread[name][0], rel=1e-9)  # the same directions: only rounding differs


def test_antithetic_cancels_even_terms_exactly():
    # Everything is a small multiple of 1/64 here, so the arithmetic is exact.
    g = np.round(np.random.default_rng(1).standard_normal((200, D)) * 4) / 4
    curvature = np.array([[2.0, 0.5, -0.5], [0.5, -1.0, 0.25], [-0.5, 0.25, 0.5]])
    at = np.array([0.5, -1.0, 2.0])

    def f(x):
        return quadratic(x, 100.0, B, curvature)

    values = np.stack([f((at + 0.5 * g).T), f((at - 0.5 * g).T)], axis=-1)
    slope = 0.5 * g @ (B + curvature @ at)
    assert np.array_equal(ESTIMATORS["antithetic"].differences(values, None), slope)
    forward = ESTIMATORS["forward_fd"].differences(values[:, :1], f(at))
    assert np.abs(forward - slope).max() > 1  # forward differences keep the curvature's part


def test_antithetic_has_the_smaller_variance_on_a_curved_function():
    variances = {name: estimates(name, quadratic, 20000).var(axis=0).sum() for name in ("forward_fd", "antithetic")}
    assert variances["antithetic"] < 0.8 * variances["forward_fd"]


def test_standard_errors_notice_a_wrong_scale():
    # The guard on the guard: an estimate 10 % off must not pass as near.
    found = estimates("antithetic", quadratic, 20000)
    assert np.abs(deviations(1.1 * found, B + A @ X)).max() > 8


@pytest.mark.parametrize("name", ESTIMATORS)
def test_leading_axes_are_kept(name):
    estimator = ESTIMATORS[name]
    values = np.random.default_rng(0).normal(size=(2, 5, 7, len(estimator.signs)))
    pivot = np.random.default_rng(1).normal(size=(2, 5))
    found = estimator.differences(values, pivot)
    assert found.shape == (2, 5, 7)
    assert np.array_equal(found[1, 3], estimator.differences(values[1, 3], pivot[1, 3]))
