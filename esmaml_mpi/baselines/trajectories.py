"""What policy gradients are estimated from: E recorded episodes of at most T steps, of one policy on one task."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from esmaml_mpi.baselines.double import Array, compiled, jax, jnp
from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy


class Trajectories(NamedTuple):
    """Episode axis first, step axis last.

    ``observations`` (E, n, T) as the policy saw them, ``actions`` (E, m, T) as it chose them. ``weights`` (E, T): 1
    until the step that ends an episode, 0 after it; what other arrays hold there must be finite and does not count.
    ``advantages`` (E, T): see ``advantages.py``. ``log_probabilities`` (E, T) of the actions under the policy that
    chose them: see ``log_probabilities`` below.
    """

    observations: np.ndarray
    actions: np.ndarray
    weights: np.ndarray
    advantages: np.ndarray
    log_probabilities: np.ndarray


@compiled
def log_probabilities(policy: GaussianPolicy, parameters: Array, observations: Array, actions: Array) -> jax.Array:
    """Log probabilities (E, T) of actions (E, m, T) at observations (E, n, T), parameters (d,)."""
    logs: jax.Array = jax.lax.map(
        lambda episode: policy.log_probabilities(parameters, *episode), (observations, actions)
    )
    return logs


def sum_over_episodes(function: Callable[[Trajectories], jax.Array], trajectories: Trajectories) -> jax.Array:
    """Sum of ``function``, which gets one episode, without the axis E, and returns its weighted sum over steps."""
    return jnp.sum(jax.lax.map(function, trajectories), axis=0)


def padded(array: np.ndarray, episodes: int) -> np.ndarray:
    """An array (E, ...) with episodes of zeros up to this many: episodes that weigh nothing."""
    missing = episodes - len(array)
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]))]) if missing else array
