"""Claims of estimators: closed forms against samples."""

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("scripts")


def test_error_of_the_hessian_is_that_of_samples():
    from papers import estimators as own

    from esmaml_mpi.hessians import HESSIANS

    generator = np.random.Generator(np.random.Philox(key=4))
    d, squares = own.DIMENSION, []
    for _ in range(400):
        b, g = generator.standard_normal(d), generator.standard_normal((d, own.DIRECTIONS))
        values = own.CONSTANT + own.SIGMA * b @ g  # without A, as the closed form has it
        coefficients = HESSIANS["plain"].coefficients(values[None, :, None], None)[0]
        found = (g * coefficients) @ g.T - coefficients.sum() * np.eye(d)
        squares.append((found**2).sum() / (own.DIRECTIONS * own.SIGMA**2) ** 2)
    error, bound = own.hessian_error()
    assert error == pytest.approx(np.sqrt(np.mean(squares)) / own.CURVATURE, rel=0.05) and bound == 1


def test_shifts_change_the_vanilla_estimator_alone():
    from papers import estimators as own

    assert own.change_by_shift("forward_fd") == own.change_by_shift("antithetic") == 0
    assert own.change_by_shift("vanilla") > 100


def test_vanilla_variance_is_that_of_samples():
    from papers import estimators as own

    generator, d = np.random.Generator(np.random.Philox(key=5)), own.DIMENSION
    g, b = generator.standard_normal((200_000, d)), np.full(d, 1.0)

    def variance(shift):
        estimates = g * (shift + own.SIGMA * g @ b)[:, None] / own.SIGMA
        return ((estimates - b) ** 2).sum(axis=1).mean()

    assert own.vanilla_inflation()[0] == pytest.approx(variance(own.SHIFT) / variance(0.0), rel=0.02)


def test_evaluations_grow_with_the_parameters():
    from papers import estimators as own

    generator = np.random.Generator(np.random.Philox(key=6))

    def relative_variance(d):
        g = generator.standard_normal((20_000, d))
        return ((g * g[:, :1] - np.eye(d)[0]) ** 2).sum(axis=1).mean()

    assert relative_variance(20) == pytest.approx(21, rel=0.05)  # d + 1 of one direction, |b| = 1
    assert own.evaluations_per_dimension()[0] == pytest.approx(775 / 109)
