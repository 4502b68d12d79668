"""Evo-MAML's adaptation from trajectories: policy-gradient steps, and then the evolving step (``evolution.py``)."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from esmaml_mpi.baselines.evo_es_gradient import candidate_sigma_setting, candidates_setting, temperature_setting
from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.baselines.policy_gradient_steps import PolicyGradientSteps
from esmaml_mpi.baselines.stochastic_policy import network_of
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.rollouts.recording import Recording
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import operator_setting

if TYPE_CHECKING:
    from esmaml_mpi.baselines.evo_policy_gradient import EvoPolicyGradient


@dataclass(frozen=True)
class EvoPolicyGradientSteps(PolicyGradientSteps):
    """Policy-gradient ``steps``, then a mixture of candidates by merit on the last step's trajectories."""

    operator: str = operator_setting("evo_policy_gradient")
    candidates: int = candidates_setting()
    candidate_sigma: float = candidate_sigma_setting()
    temperature: float = temperature_setting()
    clip: float = setting(0.2, "clip of the likelihood ratios by which candidates are compared", above=0)

    counts = ("adaptation.queries", "adaptation.candidates")

    @property
    def directions_at_once(self) -> int:
        """Directions of one step: of candidates, which lie where their signs say."""
        return self.candidates

    def adapt(  # type: ignore[override]  # unlike its base it draws directions
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray],
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
    ) -> Generator[np.ndarray, Recording, np.ndarray]:
        """See ``adaptation.Operator``; it is sent Recordings. ``centre`` is told theta after each step."""
        adapted, policy, supports = yield from self.sampled(theta, centre)
        points, mixture = self.evolution.points(adapted, normals(self.candidates)), np.full(adapted.shape, np.nan)
        for (u, t), support in supports.items():
            performances = self.comparison(policy).performances(points[:, u, t], support)
            performances = performances / np.add.reduce(np.asarray(support.weights), axis=None)
            mixture[:, u, t] = self.evolution.mixture(points[:, u, t], performances)
        return mixture

    @property
    def evolution(self) -> Evolution:
        """The evolving step."""
        return Evolution(self.candidates, self.candidate_sigma, self.temperature)

    def comparison(self, policy: AnyPolicy) -> "EvoPolicyGradient":
        """The mathematics beyond the inner steps, for a policy."""
        from esmaml_mpi.baselines.evo_policy_gradient import EvoPolicyGradient
        from esmaml_mpi.baselines.gaussian_policy import GaussianPolicy

        return EvoPolicyGradient(GaussianPolicy(network_of(policy)), self.clip)
