"""Prints a digest of everything that is compiled, at the sizes of a real task, and how many threads XLA may use.

Run with NPROC set to the number of threads.
"""

import hashlib

import numpy as np

from esmaml_mpi.baselines.evo_policy_gradient import EvoPolicyGradient
from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy
from esmaml_mpi.baselines.policy_gradient import PolicyGradient
from esmaml_mpi.baselines.regression import MAML, EvoMAML, Samples
from esmaml_mpi.baselines.trajectories import Trajectories, log_probabilities
from esmaml_mpi.policies.mlp import Policy

EPISODES, STEPS, OBSERVATIONS, ACTIONS, WIDTH = 20, 200, 17, 6, 64


def recorded(policy, theta, rng):
    """Made-up trajectories of which a quarter ends half-way."""
    observations = rng.normal(size=(EPISODES, OBSERVATIONS, STEPS))
    actions = rng.normal(size=(EPISODES, ACTIONS, STEPS))
    weights = np.ones((EPISODES, STEPS))
    weights[::4, STEPS // 2 :] = 0.0
    log_probability = log_probabilities(policy, theta, observations, actions)
    return Trajectories(observations, actions, weights, rng.normal(size=weights.shape), log_probability)


def outcomes():
    """All results, as arrays."""
    rng = np.random.default_rng(0)
    policy = GaussianPolicy(Policy(OBSERVATIONS, ACTIONS, (WIDTH, WIDTH), "tanh", "identity"))
    theta = policy.initial(rng)
    learner, support = PolicyGradient(policy, "dice"), recorded(policy, theta, rng)
    vector = learner.step(theta, support)[:-1]
    yield from (support.log_probabilities, vector, learner.turned(theta, support, vector))
    yield from (learner.rise(theta, support), learner.curvature(theta, support, vector))
    yield learner.outcome(theta + 1e-3, support, theta)
    explorer = PolicyGradient(policy, "biased", exploration=True)
    yield from (explorer.step(theta, support), explorer.exploration_slope(theta, support))
    yield EvoPolicyGradient(policy).performances(theta[:, None] + rng.normal(size=(theta.size, 4)) / 100, support)
    network = Policy(1, 1, (40, 40), "relu", "identity")
    theta = network.initial(rng)
    support, query = (Samples(rng.normal(size=(1, n)), rng.normal(size=(1, n))) for n in (10, 100))
    for learner in (MAML(network), EvoMAML(network, evolution=Evolution(4))):
        normals = rng.normal(size=(network.size, learner.normals_wanted))
        yield from learner.contribution(theta, support, query, normals)
        yield learner.path(theta, support, query, normals, 3)


if __name__ == "__main__":
    digest = hashlib.sha256()
    for array in outcomes():
        assert np.isfinite(array).all() and np.asarray(array).dtype == np.float64
        digest.update(np.asarray(array).tobytes())
    print(digest.hexdigest())
