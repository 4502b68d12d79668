"""MAML by policy gradients, and E-MAML: what one share of a task's trajectories adds to the meta-gradient and to the
trust region.

PG-MAML (Finn et al. 2017) maximises J(theta) = E f^T(theta'), theta' = theta + alpha grad E f^T(theta), where f is the
mean advantage per step; the gradient of theta' goes through the sampling of the trajectories it is estimated from (see
``inner_objectives.py``). E-MAML (Stadie et al. 2018) maximises E_tau f^T(U(theta, tau)), the adaptation U an explicit
function of trajectories tau sampled by theta; its gradient has a second part, grad log pi(tau) f^T(U(theta, tau)),
which rewards exploration.

Every mean over steps is a sum over trajectories, over a number of steps. Here are the sums, of any trajectories;
``meta_gradient.py`` makes of those of all shares what belongs to the task.
"""

from dataclasses import dataclass

from esmaml_mpi.baselines.double import Array, compiled, jax, jnp
from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy
from esmaml_mpi.baselines.inner_objectives import INNER_OBJECTIVES
from esmaml_mpi.baselines.trajectories import Trajectories, sum_over_episodes
from esmaml_mpi.errors import ConfigError


@dataclass(frozen=True)
class PolicyGradient:
    """``estimator`` of the inner step; ``exploration``: whether E-MAML's second part is wanted.

    In the methods, ``support`` are Trajectories of an inner step, ``query`` those of the adapted policy. All results
    are sums over their steps.
    """

    policy: GaussianPolicy
    estimator: str = "lvc"
    exploration: bool = False

    def __post_init__(self) -> None:
        if self.estimator not in INNER_OBJECTIVES:
            raise ConfigError(f"estimator = {self.estimator!r}: one of {', '.join(INNER_OBJECTIVES)} is wanted.")
        if self.exploration and self.estimator != "biased":
            raise ConfigError(
                f"estimator = {self.estimator!r}: E-MAML differentiates the adaptation to given trajectories; 'biased' "
                "is wanted."
            )

    @compiled
    def step(self, theta: Array, support: Trajectories) -> jax.Array:
        """Gradient (d,) of what the inner step ascends; then the log-probability of the support, where exploration is
        wanted, else 0.
        """
        slope = jax.grad(self._objective)(theta, support)
        return jnp.append(slope, self._log_likelihood(theta, support) if self.exploration else 0.0)

    @compiled
    def turned(self, theta: Array, support: Trajectories, vector: Array) -> jax.Array:
        """How that gradient turns with theta: its Hessian, times ``vector`` (d,)."""
        product: jax.Array = jax.jvp(lambda at: jax.grad(self._objective)(at, support), (theta,), (vector,))[1]
        return product

    @compiled
    def exploration_slope(self, theta: Array, support: Trajectories) -> jax.Array:
        """Gradient (d,) of the log-probability of the support."""
        slope: jax.Array = jax.grad(self._log_likelihood)(theta, support)
        return slope

    @compiled
    def rise(self, theta: Array, query: Trajectories) -> jax.Array:
        """Gradient (d,) of likelihood ratio times advantage: of what theta would have earned on the query."""
        slope: jax.Array = jax.grad(self._earned)(theta, query)
        return slope

    @compiled
    def outcome(self, theta: Array, query: Trajectories, adapted: Array) -> jax.Array:
        """What theta would have earned, and how far it has moved, KL(adapted || theta), from the ``adapted`` that
        sampled the query: (2,).
        """
        return jnp.stack([self._earned(theta, query), self._divergence(adapted, theta, query)])

    @compiled
    def curvature(self, adapted: Array, query: Trajectories, vector: Array) -> jax.Array:
        """Hessian of that distance at ``adapted``, where it is least, times ``vector`` (d,)."""

        def with_episode(total: jax.Array, episode: Trajectories) -> tuple[jax.Array, None]:
            return total + self.policy.fisher_product(adapted, episode.observations, episode.weights, vector), None

        # One by one: a sum of so many numbers at once is split over threads.
        return jax.lax.scan(with_episode, jnp.zeros(vector.shape), query)[0]

    def _objective(self, theta: Array, support: Trajectories) -> jax.Array:
        def of_episode(episode: Trajectories) -> jax.Array:
            log_probabilities = self.policy.log_probabilities(theta, episode.observations, episode.actions)
            return INNER_OBJECTIVES[self.estimator](log_probabilities, episode)

        return sum_over_episodes(of_episode, support)

    def _log_likelihood(self, theta: Array, support: Trajectories) -> jax.Array:
        def of_episode(episode: Trajectories) -> jax.Array:
            log_probabilities = self.policy.log_probabilities(theta, episode.observations, episode.actions)
            return jnp.sum(episode.weights * log_probabilities)

        return sum_over_episodes(of_episode, support)

    def _earned(self, theta: Array, query: Trajectories) -> jax.Array:
        def of_episode(episode: Trajectories) -> jax.Array:
            log_probabilities = self.policy.log_probabilities(theta, episode.observations, episode.actions)
            ratios = jnp.exp(log_probabilities - episode.log_probabilities)
            return jnp.sum(episode.weights * episode.advantages * ratios)

        return sum_over_episodes(of_episode, query)

    def _divergence(self, old: Array, new: Array, query: Trajectories) -> jax.Array:
        def of_episode(episode: Trajectories) -> jax.Array:
            return jnp.sum(episode.weights * self.policy.divergence(old, new, episode.observations))

        return sum_over_episodes(of_episode, query)
