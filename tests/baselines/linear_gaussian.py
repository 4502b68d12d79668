"""A task whose expectations are sums: s' = s + a, reward -(s' - goal)^2 - a^2 / 10, actions N(w s + b, exp(2 l)).

Everything is a polynomial in the policy's normals, so that Gauss-Hermite nodes with their weights, taken for episodes,
give expectations exactly. Nothing here differentiates a log-probability: gradients are those of the expectation itself,
by complex steps and central differences.
"""

import itertools

import numpy as np

from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy
from esmaml_mpi.baselines.trajectories import Trajectories, log_probabilities
from esmaml_mpi.policies.mlp import Policy

POLICY = GaussianPolicy(Policy(1, 1, output="identity"))
THETA = np.array([-0.3, 0.2, -0.4])
GOAL, START = 1.3, 0.7


def nodes(steps, per_step):
    """Normals (E, steps) and their probabilities (E,)."""
    points, weights = np.polynomial.hermite_e.hermegauss(per_step)
    weights = weights / np.sqrt(2 * np.pi)
    normals = np.array(list(itertools.product(points, repeat=steps)))
    return normals, np.prod(list(itertools.product(weights, repeat=steps)), axis=1)


def episodes(theta, normals):
    """States before each step, actions and rewards, each (E, steps)."""
    w, b, log_std = theta
    state = np.full(len(normals), START, dtype=np.asarray(theta).dtype)
    states, actions, rewards = [], [], []
    for normal in normals.T:
        action = w * state + b + np.exp(log_std) * normal
        states.append(state)
        state = state + action
        actions.append(action)
        rewards.append(-((state - GOAL) ** 2) - action**2 / 10)
    return (np.stack(array, axis=1) for array in (states, actions, rewards))


def expectation(theta, steps, per_step=12):
    """Expected mean reward per step; theta may be complex."""
    normals, probabilities = nodes(steps, per_step)
    _, _, rewards = episodes(theta, normals)
    return np.sum(probabilities[:, None] * rewards) / steps


def slope(theta, steps):
    """Its gradient (3,), by complex steps: exact up to rounding."""
    return np.array([expectation(theta + 1e-30j * e, steps).imag / 1e-30 for e in np.eye(3)])


def differences(function, theta, width=1e-5):
    """Gradient of a function of theta by central differences."""
    return np.array([(function(theta + width * e) - function(theta - width * e)) / (2 * width) for e in np.eye(3)])


def trajectories(theta, normals, probabilities, baseline=0.0):
    """Episodes of theta that count with these probabilities; advantages are the rewards to come minus ``baseline``."""
    states, actions, rewards = episodes(theta, normals)
    advantages = np.cumsum(rewards[:, ::-1], axis=1)[:, ::-1] - baseline
    weights = np.repeat(len(normals) * probabilities[:, None], normals.shape[1], axis=1)
    seen = states[:, None], actions[:, None]
    return Trajectories(*seen, weights, advantages, log_probabilities(POLICY, theta, *seen))
