"""Gradients of supervised MAML against finite differences of what it maximises; Evo-MAML step by step."""

import numpy as np
import pytest

from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.baselines.regression import MAML, EvoMAML, Samples
from esmaml_mpi.policies.mlp import Policy

RNG = np.random.default_rng(12)
NETWORK = Policy(1, 2, (4,), "tanh", "identity")
THETA = NETWORK.initial(RNG)
SUPPORT, QUERY = (Samples(RNG.normal(size=(1, n)), RNG.normal(size=(2, n))) for n in (5, 8))
NOTHING = np.empty((NETWORK.size, 0))


def performance(theta, samples):
    """Minus the mean over samples of the squared error, by the core's network."""
    batch = samples.inputs.shape[1]
    act = NETWORK.bind(np.repeat(theta[:, None], batch, axis=1), np.zeros(1), np.ones(1)).act
    return -np.sum((act(samples.inputs) - samples.targets) ** 2) / batch


def gradient(function, theta, width=1e-4):
    """By central differences of fourth order."""
    parts = []
    for e in np.eye(theta.size):
        near, far = (function(theta + k * width * e) - function(theta - k * width * e) for k in (1, 2))
        parts.append((8 * near - far) / (12 * width))
    return np.array(parts)


def adapted(theta, steps, step_size=0.1):
    for _ in range(steps):
        theta = theta + step_size * gradient(lambda x: performance(x, SUPPORT), theta)
    return theta


@pytest.mark.parametrize("steps", [1, 2])
def test_maml_has_the_gradient_of_the_performance_after_adaptation(steps):
    found, value = MAML(NETWORK, 0.1, steps).contribution(THETA, SUPPORT, QUERY, NOTHING)
    exact = gradient(lambda x: performance(adapted(x, steps), QUERY), THETA)
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-8)
    assert value == pytest.approx(performance(adapted(THETA, steps), QUERY), rel=1e-9)


@pytest.mark.parametrize("steps", [1, 2])
def test_first_order_maml_has_the_gradient_at_the_adapted_parameters(steps):
    found, value = MAML(NETWORK, 0.1, steps, first_order=True).contribution(THETA, SUPPORT, QUERY, NOTHING)
    exact = gradient(lambda x: performance(x, QUERY), adapted(THETA, steps))
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-9)
    assert value == pytest.approx(performance(adapted(THETA, steps), QUERY), rel=1e-9)
    second = MAML(NETWORK, 0.1, steps).contribution(THETA, SUPPORT, QUERY, NOTHING)[0]
    assert np.linalg.norm(found - second) > 0.05 * np.linalg.norm(second)


def evolved(theta, normals, sigma=0.2, temperature=0.5):
    points = theta[:, None] + sigma * np.sign(normals)
    merits = np.array([performance(point, SUPPORT) for point in points.T])
    weights = np.exp((merits - merits.mean()) / merits.std() / temperature)
    return points @ (weights / weights.sum())


@pytest.mark.parametrize("steps", [1, 2])
def test_evo_maml_has_the_gradient_at_the_mixture(steps):
    normals = RNG.normal(size=(NETWORK.size, 4))
    learner = EvoMAML(NETWORK, 0.1, steps, Evolution(4, 0.2, 0.5))
    found, value = learner.contribution(THETA, SUPPORT, QUERY, normals)
    mixture = evolved(adapted(THETA, steps), normals)
    np.testing.assert_allclose(found, gradient(lambda x: performance(x, QUERY), mixture), rtol=1e-6, atol=1e-9)
    assert value == pytest.approx(performance(mixture, QUERY), rel=1e-9)
    assert learner.normals_wanted == 4


@pytest.mark.parametrize("first_order", [False, True])
def test_paths_are_performances_after_each_step(first_order):
    found = MAML(NETWORK, 0.1, 1, first_order).path(THETA, SUPPORT, QUERY, NOTHING, 3)
    np.testing.assert_allclose(found, [performance(adapted(THETA, k), QUERY) for k in range(4)], rtol=1e-8)


def test_paths_of_evo_maml_evolve_after_each_step():
    normals = RNG.normal(size=(NETWORK.size, 4))
    found = EvoMAML(NETWORK, 0.1, 1, Evolution(4, 0.2, 0.5)).path(THETA, SUPPORT, QUERY, normals, 2)
    expected = [performance(evolved(adapted(THETA, k), normals), QUERY) for k in (1, 2)]
    np.testing.assert_allclose(found, [performance(THETA, QUERY), *expected], rtol=1e-8)
