"""The densities of policies that act at random (``stochastic_policy.py``), to be differentiated."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.baselines.double import Array, jax, jnp
from esmaml_mpi.baselines.network import outputs
from esmaml_mpi.baselines.stochastic_policy import LEAST_LOG_STD, StochasticPolicy


@dataclass(frozen=True)
class GaussianPolicy(StochasticPolicy):
    """A stochastic policy in JAX."""

    def distribution(self, parameters: Array, observations: Array) -> tuple[Array, Array]:
        """Means (m, B) and log std (m, 1) for observations (n, B)."""
        log_std = jnp.maximum(parameters[self.mean.size :], LEAST_LOG_STD)
        return outputs(self.mean, parameters, observations), log_std[:, None]

    def log_probabilities(self, parameters: Array, observations: Array, actions: Array) -> jax.Array:
        """Log densities (B,) of actions (m, B) at observations (n, B)."""
        means, log_std = self.distribution(parameters, observations)
        scaled = (actions - means) * jnp.exp(-log_std)
        return -jnp.sum(scaled**2 / 2 + log_std + np.log(2 * np.pi) / 2, axis=0)

    def divergence(self, old: Array, new: Array, observations: Array) -> jax.Array:
        """KL(old || new) (B,) of the policies with these parameters, at observations (n, B)."""
        old_means, old_log_std = self.distribution(old, observations)
        means, log_std = self.distribution(new, observations)
        spread = (jnp.exp(2 * old_log_std) + (old_means - means) ** 2) / (2 * jnp.exp(2 * log_std))
        return jnp.sum(log_std - old_log_std + spread - 0.5, axis=0)

    def fisher_product(self, parameters: Array, observations: Array, weights: Array, vector: Array) -> jax.Array:
        """Fisher information at observations (n, B), summed with weights (B,), times a vector (d,): (d,).

        Of normals it is J^T diag(1 / variance, 2) J, where J is the Jacobian of means and log std: first derivatives
        alone, at about half the cost of the Hessian of ``divergence``, which it is at old = new.
        """

        def distribution(parameters: Array) -> tuple[Array, Array]:
            return self.distribution(parameters, observations)

        (_, log_std), (means_turned, log_std_turned) = jax.jvp(distribution, (parameters,), (vector,))
        _, pulled_back = jax.vjp(distribution, parameters)
        slopes = weights * means_turned * jnp.exp(-2 * log_std), 2 * jnp.sum(weights) * log_std_turned
        product: jax.Array = pulled_back(slopes)[0]
        return product
