"""The closed forms of ``quadratic_family``: quadrature, finite differences, and simulated estimates."""

import numpy as np
import pytest
from helpers import near
from quadratic_family import QuadraticFamily

from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.hessians import HESSIANS

D, TASKS, SIGMA, ALPHA = 3, 2, 0.6, 0.3
FAMILY, X = QuadraticFamily.random(D, TASKS, seed=4), np.array([0.5, -1.0, 2.0])


def central(f, x, step=1e-3):
    """Gradient of f by central differences, exact for quadratics up to rounding."""
    return np.array([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(len(x))])


def test_curvatures_are_symmetric_and_of_both_signs():
    assert np.array_equal(FAMILY.curvatures, FAMILY.curvatures.transpose(0, 2, 1))
    eigenvalues = np.linalg.eigvalsh(FAMILY.curvatures)
    assert eigenvalues.min() < -0.1 and eigenvalues.max() > 0.1


@pytest.mark.parametrize("task", range(TASKS))
def test_smoothing_is_the_gaussian_mean(task):
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)  # exact to order 5 in each axis
    grid = np.stack(np.meshgrid(*[nodes] * D, indexing="ij")).reshape(D, -1)
    product = np.multiply.reduce(np.stack(np.meshgrid(*[weights] * D, indexing="ij")).reshape(D, -1), axis=0)
    mean = product @ FAMILY.values(X[:, None] + SIGMA * grid, task) / product.sum()
    assert FAMILY.smoothed(X, task, SIGMA) == pytest.approx(mean, rel=1e-12)
    assert FAMILY.values(X, task) != pytest.approx(mean, rel=1e-3)


@pytest.mark.parametrize("task", range(TASKS))
def test_gradient_is_that_of_the_smoothing(task):
    found = central(lambda x: FAMILY.smoothed(x, task, SIGMA), X)
    np.testing.assert_allclose(FAMILY.gradient(X, task), found, rtol=1e-8)


def test_meta_gradient_is_that_of_the_objective_only_with_the_hessian():
    found = central(lambda x: FAMILY.objective(x, ALPHA, SIGMA), X)
    np.testing.assert_allclose(FAMILY.meta_gradient(X, ALPHA), found, rtol=1e-8)
    assert np.abs(FAMILY.meta_gradient(X, ALPHA, use_hessian=False) - found).max() > 0.1


def simulated(estimator, hessian, directions, count):
    """(I + alpha H) grad f_sigma(x + alpha g1), mean over tasks, H and g1 from the same queries: (count, d)."""
    signs, found = ESTIMATORS[estimator].signs, np.zeros((count, D))
    for task in range(TASKS):
        g = np.random.default_rng([9, task]).standard_normal((count, directions, D))
        points = np.stack([X + sign * SIGMA * g for sign in signs], axis=-1)
        values = FAMILY.values(np.moveaxis(points, 2, 0), task)
        pivot = np.full(count, FAMILY.values(X, task))
        differences = ESTIMATORS[estimator].differences(values, pivot)
        adapted = X + ALPHA * np.einsum("nm,nmi->ni", differences, g) / (directions * SIGMA)
        after = -(adapted - FAMILY.centres[task]) @ FAMILY.curvatures[task]
        coefficients = HESSIANS[hessian].coefficients(values, pivot)
        product = np.einsum("nm,nmi,nmj,nj->ni", coefficients, g, g, after)
        product -= np.add.reduce(coefficients, axis=1)[:, None] * after
        found += (after + ALPHA * product / (directions * SIGMA**2)) / TASKS
    return found


@pytest.mark.parametrize("estimator, hessian", [("antithetic", "antithetic"), ("forward_fd", "pivot")])
@pytest.mark.parametrize("directions", [1, 5])
def test_sharing_queries_between_step_and_hessian_biases_as_the_closed_form_says(estimator, hessian, directions):
    found, exact = simulated(estimator, hessian, directions, 100_000), FAMILY.meta_gradient(X, ALPHA)
    bias = FAMILY.shared_query_bias(X, ALPHA, directions, mirrored=estimator == "antithetic")
    assert near(found, exact + bias)
    assert not near(found, exact)
