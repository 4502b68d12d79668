"""Stochastic policies: actions N(mean(s), std^2), independent of each other, with a learned std per action.

The mean is one of the core's networks. Baselines of the field leave it linear (``output = "identity"``) and the
environment clips what is too much; probabilities are those of the action before it is clipped.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.baselines.double import jax, jnp
from esmaml_mpi.baselines.network import outputs
from esmaml_mpi.policies import Policy

LEAST_LOG_STD = float(np.log(1e-6))


@dataclass(frozen=True)
class GaussianPolicy:
    """A flat vector holds the parameters of ``mean``, then log std of each action.

    Initial std 1 and its floor of 1e-6 are those of ProMP (Rothfuss et al. 2019) and T-MAML's code.
    """

    mean: Policy

    @property
    def size(self) -> int:
        """Number of parameters d."""
        return self.mean.size + self.mean.action_size

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0, std: float = 1.0) -> np.ndarray:
        """Initial parameters (d,)."""
        log_std = np.full(self.mean.action_size, np.log(std))
        return np.concatenate([self.mean.initial(generator, output_gain), log_std])

    def std(self, parameters: np.ndarray) -> np.ndarray:
        """Standard deviations (m, ...) of parameters (d, ...)."""
        return np.exp(np.maximum(parameters[self.mean.size :], LEAST_LOG_STD))

    def actions(self, parameters: np.ndarray, means: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Actions (m, B) of parameters (d, B): means (m, B), which the network ``mean`` gives, plus std * normals."""
        return means + self.std(parameters) * normals

    def distribution(self, parameters: jax.Array, observations: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Means (m, B) and log std (m, 1) for observations (n, B)."""
        log_std = jnp.maximum(parameters[self.mean.size :], LEAST_LOG_STD)
        return outputs(self.mean, parameters, observations), log_std[:, None]

    def log_probabilities(self, parameters: jax.Array, observations: jax.Array, actions: jax.Array) -> jax.Array:
        """Log densities (B,) of actions (m, B) at observations (n, B)."""
        means, log_std = self.distribution(parameters, observations)
        scaled = (actions - means) * jnp.exp(-log_std)
        return -jnp.sum(scaled**2 / 2 + log_std + np.log(2 * np.pi) / 2, axis=0)

    def divergence(self, old: jax.Array, new: jax.Array, observations: jax.Array) -> jax.Array:
        """KL(old || new) (B,) of the policies with these parameters, at observations (n, B)."""
        old_means, old_log_std = self.distribution(old, observations)
        means, log_std = self.distribution(new, observations)
        spread = (jnp.exp(2 * old_log_std) + (old_means - means) ** 2) / (2 * jnp.exp(2 * log_std))
        return jnp.sum(log_std - old_log_std + spread - 0.5, axis=0)
