"""The policy in JAX against the core's networks, densities and divergences against sums."""

import math
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from esmaml_mpi.baselines.double import compiled
from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy
from esmaml_mpi.baselines.network import outputs
from esmaml_mpi.baselines.trajectories import log_probabilities
from esmaml_mpi.policies.mlp import Policy

RNG = np.random.default_rng(5)


@compiled
def acted(policy, parameters, observations):
    return outputs(policy, parameters, observations)


@compiled
def diverged(policy, old, new, observations):
    return policy.divergence(old, new, observations)


@compiled
def informed(policy, parameters, observations, weights, vector):
    return policy.fisher_product(parameters, observations, weights, vector)


@compiled
def divergence_hessian(policy, parameters, observations, weights):
    return jax.hessian(lambda new: jnp.sum(weights * policy.divergence(parameters, new, observations)))(parameters)


@pytest.mark.parametrize("output", ["identity", "tanh"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("hidden", [(), (5,), (4, 6)])
def test_networks_are_the_cores(hidden, activation, output):
    policy = Policy(3, 2, hidden, activation, output)
    theta, observations = RNG.normal(size=policy.size), RNG.normal(size=(3, 7))
    core = policy.bind(np.repeat(theta[:, None], 7, axis=1), np.zeros(3), np.ones(3)).act(observations)
    found = acted(policy, theta, observations)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, core, rtol=1e-12, atol=1e-14)


def test_parameters_are_the_networks_then_log_std():
    policy = GaussianPolicy(Policy(3, 2, (4,), output="identity"), initial_std=0.5)
    theta = policy.initial(np.random.default_rng(1))
    assert theta.shape == (policy.size,) == (3 * 4 + 4 + 4 * 2 + 2 + 2,)
    assert np.array_equal(theta[:-2], policy.mean.initial(np.random.default_rng(1)))
    np.testing.assert_allclose(policy.std(theta), [0.5, 0.5])
    assert np.array_equal(GaussianPolicy(policy.mean).initial(np.random.default_rng(1))[-2:], [0.0, 0.0])
    theta[-2:] = -50.0, math.log(2.0)
    np.testing.assert_allclose(policy.std(theta), [1e-6, 2.0])
    batch, normals, scale = np.stack([theta, theta], axis=1), RNG.normal(size=(5, 2, 2)), (np.zeros(3), np.ones(3))
    seen = RNG.normal(size=(3, 2))
    means = policy.bind(batch, *scale).act(seen).copy()
    assert np.array_equal(means, policy.mean.bind(batch[:-2], *scale).act(seen))
    bound = policy.bind(np.concatenate([batch, normals.reshape(10, 2)]), *scale, step=2)
    for t in (2, 3, 4):
        np.testing.assert_allclose(bound.act(seen), means + [[1e-6], [2.0]] * normals[t])


def test_densities_are_those_of_independent_normals():
    policy = GaussianPolicy(Policy(2, 3, (4,), output="identity"))
    theta = policy.initial(RNG)
    theta[-3:] = -0.5, 0.3, -50.0
    observations, actions = RNG.normal(size=(2, 2, 5)), RNG.normal(size=(2, 3, 5)) * 1e-6
    found = log_probabilities(policy, theta, observations, actions)
    for e in range(2):
        means = acted(policy.mean, theta, observations[e])
        for t in range(5):
            expected = 0.0
            for action, mean, std in zip(actions[e, :, t], means[:, t], policy.std(theta), strict=True):
                expected += -math.log(std * math.sqrt(2 * math.pi)) - ((action - mean) / std) ** 2 / 2
            assert found[e, t] == pytest.approx(expected, rel=1e-11)


def test_divergences_are_expected_log_ratios():
    """Against Gauss-Hermite quadrature, exact for log-densities of normals."""
    policy = GaussianPolicy(Policy(2, 1, (3,), output="identity"))
    old, new = RNG.normal(size=(2, policy.size)) * 0.5
    observations = RNG.normal(size=(2, 6))
    points, weights = np.polynomial.hermite_e.hermegauss(8)
    means = acted(policy.mean, old, observations)
    ratios = [
        np.subtract(*(log_probabilities(policy, p, observations[None], actions[None])[0] for p in (old, new)))
        for actions in (means + policy.std(old)[:, None] * point for point in points)
    ]
    expected = np.sum(weights[:, None] * ratios, axis=0) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(diverged(policy, old, new, observations), expected, rtol=1e-10)
    assert np.array_equal(diverged(policy, old, old, observations), np.zeros(6))


@pytest.mark.parametrize("hidden", [(), (5,), (4, 6)])
def test_fisher_products_are_those_of_the_hessian_of_the_divergence(hidden):
    """One standard deviation is held at its least: there the information about it is none."""
    policy = GaussianPolicy(Policy(3, 2, hidden, "tanh", "tanh"))
    theta, observations, weights = (
        policy.initial(RNG),
        RNG.normal(size=(3, 6)),
        np.array([1.0, 0.5, 2.0, 0.0, 1.0, 1.0]),
    )
    theta[-2:] = -0.5, -50.0
    theta[: policy.mean.size] += RNG.normal(size=policy.mean.size) * 0.3
    hessian, vectors = divergence_hessian(policy, theta, observations, weights), RNG.normal(size=(policy.size, 4))
    products = np.stack([informed(policy, theta, observations, weights, vector) for vector in vectors.T], axis=1)
    np.testing.assert_allclose(products, hessian @ vectors, rtol=1e-9, atol=1e-9 * np.abs(hessian).max())
    assert hessian[-2, -2] == pytest.approx(2 * weights.sum()) and (products[-1] == 0).all()


def test_other_users_of_jax_keep_single_precision():
    acted(Policy(1, 1), np.ones(2), np.ones((1, 3)))
    assert not jax.config.jax_enable_x64
    assert jnp.ones(1).dtype == jax.jit(jnp.sin)(1.0).dtype == np.float32


def test_without_jax_the_message_says_what_to_install():
    code = "import sys; sys.modules['jax'] = None; import esmaml_mpi.baselines.policy_gradient"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "the baselines need JAX" in done.stderr and 'pip install "esmaml-mpi[baselines]"' in done.stderr
