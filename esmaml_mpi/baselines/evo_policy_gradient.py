"""Evo-MAML on reinforcement-learning tasks: how candidates are compared (``evolution.py`` has the evolving step).

Inner steps are those of ``policy_gradient.py``. Candidates are compared on the trajectories of the last of them, by
PPO's clipped objective, as er-maml does; the meta-gradient is the plain policy gradient at their mixture, from
trajectories that it has sampled: first order, nothing is differentiated twice.
"""

from dataclasses import dataclass

from esmaml_mpi.baselines.double import Array, compiled, jax, jnp
from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy
from esmaml_mpi.baselines.trajectories import Trajectories, sum_over_episodes


@dataclass(frozen=True)
class EvoPolicyGradient:
    """``clip`` 0.2 is er-maml's."""

    policy: GaussianPolicy
    clip: float = 0.2

    @compiled
    def performances(self, points: Array, support: Trajectories) -> jax.Array:
        """Performances (P,) of candidates (d, P): sums over steps of min(r A, clip(r, 1 +- clip) A)."""

        def of_candidate(theta: jax.Array) -> jax.Array:
            def of_episode(episode: Trajectories) -> jax.Array:
                log_probabilities = self.policy.log_probabilities(theta, episode.observations, episode.actions)
                ratios = jnp.exp(log_probabilities - episode.log_probabilities)
                clipped = jnp.clip(ratios, 1 - self.clip, 1 + self.clip)
                worse = jnp.minimum(ratios * episode.advantages, clipped * episode.advantages)
                return jnp.sum(episode.weights * worse)

            return sum_over_episodes(of_episode, support)

        performances: jax.Array = jax.lax.map(of_candidate, points.T)
        return performances
