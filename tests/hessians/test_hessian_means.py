"""Hessian estimators against closed forms of the Gaussian smoothing: their means, and their errors.

For f(x) = c + b.x + x'Ax / 2 the Hessian of f_sigma is A. For f(x) = c + sin(w.x) it is
-w w' exp(-sigma^2 |w|^2 / 2) sin(w.x). ``near`` allows 4 standard errors in each of 6 entries: a mean that is right
fails with a probability of 4e-4 (Bonferroni).
"""

import numpy as np
import pytest
from helpers import near

from esmaml_mpi.directions import make_sampler
from esmaml_mpi.hessians import HESSIANS

D, SIGMA, M, X = 3, 0.7, 4, np.array([0.5, -1.0, 2.0])
B, W = np.array([1.0, -2.0, 0.5]), np.array([1.2, -0.8, 0.6])
A = np.array([[2.0, 0.3, -0.5], [0.3, -1.0, 0.2], [-0.5, 0.2, 0.5]])
UPPER = np.triu_indices(D)
SIDES = [(name, signs) for name, hessian in HESSIANS.items() for signs in (1, 2) if signs == 2 or not hessian.mirrored]


class Quadratic:
    """c + b.(x - X) + (x - X)'A(x - X) / 2."""

    hessian = A

    def __init__(self, constant=3.0):
        self.constant = constant

    def __call__(self, x):
        """x (..., d) -> values (...)."""
        x = x - X
        return self.constant + np.einsum("i,...i->...", B, x) + np.einsum("...i,ij,...j->...", x, A, x) / 2


class Sine:
    """c + sin(w.x)."""

    hessian = -np.outer(W, W) * np.exp(-(SIGMA**2) * np.add.reduce(W * W) / 2) * np.sin(np.add.reduce(W * X))

    def __call__(self, x):
        """x (..., d) -> values (...)."""
        return 3.0 + np.sin(np.einsum("i,...i->...", W, x))


FUNCTIONS = [Quadratic(), Sine()]


def queries(f, count, signs=1, m=M, g=None):
    """Directions (count, m, d), values (count, m, signs) and pivots (count,) of independent estimates at X."""
    if g is None:
        g = np.random.default_rng(0).standard_normal((count, m, D))
    values = np.stack([f(X + sign * SIGMA * g) for sign in (1.0, -1.0)[:signs]], axis=-1)
    return g, values, np.full(count, f(X))


def estimates(g, coefficients, identity=1.0):
    """The shared formula, for many estimates at once: upper triangles (count, d (d + 1) / 2)."""
    products = np.einsum("nm,nmi,nmj->nij", coefficients, g, g)
    found = products - identity * np.add.reduce(coefficients, axis=1)[:, None, None] * np.eye(D)
    return found[:, *UPPER] / (g.shape[1] * SIGMA**2)


def found_by(name, f, count, signs=1, m=M, g=None):
    """``count`` independent estimates."""
    g, values, pivot = queries(f, count, signs, m, g)
    coefficients = HESSIANS[name].coefficients(values, pivot if HESSIANS[name].needs_pivot else None)
    assert coefficients.shape == values.shape[:-1]
    return estimates(g, coefficients)


@pytest.mark.parametrize("name, signs", SIDES)
@pytest.mark.parametrize("f", FUNCTIONS, ids=["quadratic", "sine"])
def test_mean_is_the_hessian_of_the_smoothing(name, signs, f):
    assert near(found_by(name, f, 40_000, signs), f.hessian[UPPER])


def test_mean_is_not_the_hessian_of_f():
    unsmoothed = -np.outer(W, W) * np.sin(np.add.reduce(W * X))
    assert not near(found_by("antithetic", Sine(), 40_000, 2), unsmoothed[UPPER])


@pytest.mark.parametrize("f", FUNCTIONS, ids=["quadratic", "sine"])
def test_the_same_check_refuses_the_released_codes_form(f):
    g, values, _ = queries(f, 40_000)
    centred = values[..., 0] - values[..., 0].mean(axis=1, keepdims=True)
    found = estimates(g, centred, identity=0.0)
    assert not near(found, f.hessian[UPPER])
    assert near(found, (1 - 1 / M) * f.hessian[UPPER])


@pytest.mark.parametrize("name", ["plain", "pivot", "antithetic"])
def test_the_same_check_refuses_a_form_without_the_identity(name):
    f = Quadratic()
    g, values, pivot = queries(f, 40_000, signs=2)
    coefficients = HESSIANS[name].coefficients(values, pivot)
    offset = coefficients.mean() / SIGMA**2
    assert not near(estimates(g, coefficients, identity=0.0), A[UPPER])
    np.testing.assert_allclose(
        estimates(g, coefficients, identity=0.0).mean(axis=0) - offset * np.eye(D)[UPPER],
        estimates(g, coefficients).mean(axis=0),
        atol=1e-12,
    )


def test_a_noisy_pivot_leaves_the_mean_where_it_is():
    f = Quadratic()
    for name, signs in (("pivot", 1), ("antithetic", 2)):
        g, values, pivot = queries(f, 40_000, signs)
        noisy = pivot + 0.5 * np.random.default_rng(1).standard_normal(pivot.shape)
        assert near(estimates(g, HESSIANS[name].coefficients(values, noisy)), A[UPPER])


def second_moment(constant, slope):
    """E c^2 |g g' - I|_F^2 / sigma^4 for c = constant + sigma b.g + sigma^2 g'Ag / 2, |b|^2 = slope."""
    trace, squares = np.trace(A), np.sum(A * A)
    even = constant**2 * (D**2 + D) + constant * SIGMA**2 * trace * (D**2 + 5 * D + 4)
    quartic = SIGMA**4 / 4 * (trace**2 + 2 * squares) * (D**2 + 9 * D + 16)
    return (even + SIGMA**2 * slope * (D**2 + 5 * D + 4) + quartic) / SIGMA**4


def mean_squared_error(name, signs, constant, m):
    """E |H - A|_F^2 on the quadratic, from the moments of g up to the eighth; mirrored pairs know nothing of b."""
    squares, slope = np.sum(A * A), B @ B if signs == 1 else 0.0
    if name == "leave_one_out":
        variance = SIGMA**2 * slope + SIGMA**4 * squares / 2
        own = second_moment(-(SIGMA**2) * np.trace(A) / 2, slope) - squares
        others = variance * (D**2 + D) / SIGMA**4 + squares
        return own / m + others / (m * (m - 1))
    return (second_moment(constant if name == "plain" else 0.0, slope) - squares) / m


@pytest.mark.parametrize("name, signs", SIDES)
@pytest.mark.parametrize("m", [2, 7])
def test_mean_squared_error_on_the_quadratic_is_the_theoretical_one(name, signs, m):
    errors = found_by(name, Quadratic(3.0), 40_000, signs, m) - A[UPPER]
    squared = np.add.reduce(errors**2 * np.where(UPPER[0] == UPPER[1], 1, 2), axis=1)
    assert near(squared, mean_squared_error(name, signs, 3.0, m))


def test_directions_may_be_orthogonal_for_all_but_the_baseline_of_the_others():
    rng, sampler = np.random.default_rng(2), make_sampler("orthogonal")
    g = np.stack([sampler.draw(rng, D, 3).T for _ in range(20_000)])
    for name in HESSIANS:
        assert near(found_by(name, Quadratic(), len(g), 2, g=g), A[UPPER]) is (name != "leave_one_out")


@pytest.mark.slow
def test_hadamard_directions_have_other_fourth_moments_and_give_another_matrix():
    rng, sampler = np.random.default_rng(3), make_sampler("hadamard")
    g = np.stack([sampler.draw(rng, D, 3).T for _ in range(20_000)])
    assert not near(found_by("antithetic", Quadratic(), len(g), 2, g=g), A[UPPER])
