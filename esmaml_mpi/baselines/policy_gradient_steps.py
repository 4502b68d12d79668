"""Adaptation by policy gradients: U(theta, T) = theta + alpha grad J^T(theta), estimated from K trajectories.

What PG-MAML, E-MAML and first-order MAML do at test time. JAX is imported when a gradient is wanted: the section can be
read without it.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from esmaml_mpi.baselines.advantages import AdvantageEstimation
from esmaml_mpi.baselines.requirement import check_jax
from esmaml_mpi.baselines.samples import Sample
from esmaml_mpi.baselines.stochastic_policy import network_of
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.rollouts.recording import Recording
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import KEY_WORD, AdaptationSettings, operator_setting

if TYPE_CHECKING:
    from esmaml_mpi.baselines.policy_gradient import PolicyGradient
    from esmaml_mpi.baselines.trajectories import Trajectories


@dataclass(frozen=True)
class PolicyGradientSteps(AdaptationSettings):
    """``steps`` policy-gradient steps, each from ``queries`` trajectories of the policy that the last has reached."""

    operator: str = operator_setting("policy_gradient")
    queries: int = setting(20, "trajectories K of an adaptation step", minimum=2)
    step_size: float = setting(0.1, "adaptation step alpha", minimum=0)
    steps: int = setting(1, "adaptation steps, K trajectories each", minimum=1, maximum=KEY_WORD)
    gamma: float = setting(0.99, "discount", minimum=0, maximum=1)
    gae_lambda: float = setting(1.0, "lambda of generalised advantages; 1: Monte-Carlo returns", minimum=0, maximum=1)
    normalize_advantages: bool = setting(True, "advantages minus their mean, over their std, within a task")

    counts: ClassVar[tuple[str, ...]] = ("adaptation.queries",)
    uses_recordings = True
    tells_centre = True

    def __post_init__(self) -> None:
        self.refuse_search("perturbs no parameters")

    def check_dimension(self, dimension: int) -> None:
        """ConfigError without JAX."""
        check_jax(f"adaptation.operator = {self.operator!r}")

    @property
    def directions_at_once(self) -> int:
        """None are drawn."""
        return 0

    @property
    def queries_at_once(self) -> int:
        """Policies in one yield: the same one, K times."""
        return self.queries

    @property
    def yields(self) -> int:
        """How often it asks for trajectories."""
        return self.steps

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return self.steps * self.queries

    def pivot_last(self, step: int) -> bool:
        """There is no pivot."""
        return False

    @property
    def advantages(self) -> AdvantageEstimation:
        """How trajectories become advantages."""
        return AdvantageEstimation(self.gamma, self.gae_lambda, normalize=self.normalize_advantages)

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray] | None = None,
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
    ) -> Generator[np.ndarray, Recording, np.ndarray]:
        """See ``adaptation.Operator``; it is sent Recordings. ``centre`` is told theta (d, U, T) after each step."""
        adapted, _, _ = yield from self.sampled(theta, centre)
        return adapted

    def sampled(
        self, theta: np.ndarray, centre: Callable[[np.ndarray], None] = lambda parameters: None
    ) -> Generator[np.ndarray, Recording, tuple[np.ndarray, AnyPolicy, dict[tuple[int, int], "Trajectories"]]]:
        """Adapted parameters (d, U, T) of theta (d, U, T), nan where something was not finite; the policy that has
        acted; and, of each (unit, task) that was finite, the Trajectories of the last step.
        """
        adapted = theta
        supports: dict[tuple[int, int], Trajectories] = {}
        for _ in range(self.steps):
            recording = yield np.repeat(adapted[..., None], self.queries, axis=-1)
            start, adapted, supports = adapted, np.full(theta.shape, np.nan), {}
            learner = self.learner(recording.policy)
            for u, t in np.argwhere(recording.finite & np.isfinite(start).all(axis=0)).tolist():
                sample, origin = Sample.of(recording, (u, t)), start[:, u, t]
                advantages = self.advantages.advantages(sample.observations, sample.rewards, sample.weights)
                support = self.trajectories(recording.policy, origin, sample, advantages, len(advantages))
                slope = learner.step(origin, support)[:-1] / np.add.reduce(sample.weights, axis=None)
                adapted[:, u, t], supports[u, t] = origin + self.step_size * slope, support
            centre(adapted)
        return adapted, recording.policy, supports

    def learner(self, policy: AnyPolicy, **how: Any) -> "PolicyGradient":
        """The mathematics of these steps, for a policy; ``how`` are settings of ``PolicyGradient``, all of whose
        estimators agree on the step itself.
        """
        from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy
        from esmaml_mpi.baselines.policy_gradient import PolicyGradient

        return PolicyGradient(GaussianPolicy(network_of(policy)), **how)

    def trajectories(
        self, policy: AnyPolicy, parameters: np.ndarray, sample: Sample, advantages: np.ndarray, episodes: int
    ) -> "Trajectories":
        """Trajectories of episodes which parameters (d,) have sampled, filled up to ``episodes`` by some that weigh
        nothing.
        """
        from esmaml_mpi.baselines.double import held
        from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy
        from esmaml_mpi.baselines.trajectories import Trajectories, log_probabilities, padded

        arrays = sample.observations, sample.actions, sample.weights, advantages
        observations, actions, weights, advantages = (padded(array, episodes) for array in arrays)
        logs = log_probabilities(GaussianPolicy(network_of(policy)), parameters, observations, actions)
        return held(Trajectories(observations, actions, weights, advantages, logs))
