"""MAML by policy gradients, and E-MAML: the contribution of one task to the meta-gradient and to the trust region.

PG-MAML (Finn et al. 2017) maximises J(theta) = E f^T(theta'), theta' = theta + alpha grad E f^T(theta), where f is the
mean advantage per step; the gradient of theta' goes through the sampling of the trajectories it is estimated from (see
``inner_objectives.py``). E-MAML (Stadie et al. 2018) maximises E_tau f^T(U(theta, tau)), the adaptation U an explicit
function of trajectories tau sampled by theta; its gradient has a second part, grad log pi(tau) f^T(U(theta, tau)),
which rewards exploration.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from esmaml_mpi.baselines.double import Array, compiled, jax, jnp
from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy
from esmaml_mpi.baselines.inner_objectives import INNER_OBJECTIVES
from esmaml_mpi.baselines.trajectories import Trajectories, mean_over_steps
from esmaml_mpi.errors import ConfigError


@dataclass(frozen=True)
class PolicyGradient:
    """``step_size`` alpha 0.1 is ProMP's and T-MAML's.

    ``first_order`` drops the derivative of the inner step. ``exploration`` weighs E-MAML's second part; 0 leaves it
    out, 1 is as in its implementations, a mean over steps (Stadie et al.'s code, ProMP's). log pi(tau) is a sum: the
    exact gradient has ``exploration`` = the number of support steps, and a variance that drowns it
    (docs/baselines.md).

    In the methods, ``supports`` are the Trajectories of each inner step, those of step j sampled by theta_j; their
    number is the number of steps. ``query`` are Trajectories sampled by ``adapted``.
    """

    policy: GaussianPolicy
    estimator: str = "lvc"
    step_size: float = 0.1
    first_order: bool = False
    exploration: float = 0.0

    def __post_init__(self) -> None:
        if self.estimator not in INNER_OBJECTIVES:
            raise ConfigError(f"estimator = {self.estimator!r}: one of {', '.join(INNER_OBJECTIVES)} is wanted.")
        if self.exploration and self.estimator != "biased":
            raise ConfigError(
                f"estimator = {self.estimator!r}: E-MAML (exploration = {self.exploration}) differentiates the "
                "adaptation to given trajectories; 'biased' is wanted."
            )

    @compiled
    def adapted(self, theta: Array, supports: Sequence[Trajectories]) -> Array:
        """Adapted parameters (d,)."""
        return self._path(theta, supports)[-1]

    @compiled
    def gradient(self, theta: Array, supports: Sequence[Trajectories], query: Trajectories, score: float) -> jax.Array:
        """Gradient (d,) of ``surrogate`` at the theta that everything was sampled with."""
        slope: jax.Array = jax.grad(self._surrogate)(theta, supports, query, score)
        return slope

    @compiled
    def surrogate(
        self,
        theta: Array,
        supports: Sequence[Trajectories],
        query: Trajectories,
        score: float,
        adapted: Array,
    ) -> tuple[jax.Array, jax.Array]:
        """What the outer step increases, at a candidate theta; and how far the adapted policy has moved: ((), ()).

        The surrogate is the mean over steps of likelihood ratio times advantage, plus ``exploration`` times ``score``
        times the mean over steps of the support trajectories' log-probability, summed over inner steps. ``score`` ():
        performance after adaptation, as a mean over steps, minus any baseline that does not depend on these
        trajectories (such as the mean over other tasks). The distance is the mean over steps of
        KL(adapted || adapted from theta), where ``adapted`` sampled the query.
        """
        value = self._surrogate(theta, supports, query, score)
        return value, self._divergence(adapted, self._path(theta, supports)[-1], query)

    @compiled
    def fisher_product(
        self, theta: Array, supports: Sequence[Trajectories], query: Trajectories, vector: Array
    ) -> jax.Array:
        """Hessian of that distance at the theta that everything was sampled with, times ``vector`` (d,).

        The distance is least there, so its Hessian is exactly D^T F D, with D = d adapted / d theta and F the Fisher
        information of the adapted policy: no third derivatives are needed.
        """
        adapted, pull = jax.vjp(lambda start: self._path(start, supports)[-1], theta)
        _, moved = jax.jvp(lambda start: self._path(start, supports)[-1], (theta,), (vector,))
        slope = jax.grad(lambda new: self._divergence(adapted, new, query))
        product: jax.Array = pull(jax.jvp(slope, (adapted,), (moved,))[1])[0]
        return product

    def _objective(self, theta: Array, trajectories: Trajectories) -> jax.Array:
        def of_episode(episode: Trajectories) -> jax.Array:
            log_probabilities = self.policy.log_probabilities(theta, episode.observations, episode.actions)
            return INNER_OBJECTIVES[self.estimator](log_probabilities, episode)

        return mean_over_steps(of_episode, trajectories)

    def _path(self, theta: Array, supports: Sequence[Trajectories]) -> list[Array]:
        """theta_0 .. theta_S, each (d,)."""
        path: list[Array] = [theta]
        for trajectories in supports:
            step = self.step_size * jax.grad(self._objective)(path[-1], trajectories)
            path.append(path[-1] + (jax.lax.stop_gradient(step) if self.first_order else step))
        return path

    def _surrogate(
        self, theta: Array, supports: Sequence[Trajectories], query: Trajectories, score: float
    ) -> jax.Array:
        *sampling, adapted = self._path(theta, supports)
        value = ratio_objective(self.policy, adapted, query)
        if self.exploration:
            value += self.exploration * score * sum(map(self._log_likelihood, sampling, supports))
        return value

    def _log_likelihood(self, theta: Array, trajectories: Trajectories) -> jax.Array:
        def of_episode(episode: Trajectories) -> jax.Array:
            log_probabilities = self.policy.log_probabilities(theta, episode.observations, episode.actions)
            return jnp.sum(episode.weights * log_probabilities)

        return mean_over_steps(of_episode, trajectories)

    def _divergence(self, old: Array, new: Array, query: Trajectories) -> jax.Array:
        def of_episode(episode: Trajectories) -> jax.Array:
            return jnp.sum(episode.weights * self.policy.divergence(old, new, episode.observations))

        return mean_over_steps(of_episode, query)


def ratio_objective(policy: GaussianPolicy, theta: Array, trajectories: Trajectories) -> jax.Array:
    """Mean over steps of likelihood ratio times advantage: what theta would have earned on these trajectories."""

    def of_episode(episode: Trajectories) -> jax.Array:
        log_probabilities = policy.log_probabilities(theta, episode.observations, episode.actions)
        ratios = jnp.exp(log_probabilities - episode.log_probabilities)
        return jnp.sum(episode.weights * episode.advantages * ratios)

    return mean_over_steps(of_episode, trajectories)
