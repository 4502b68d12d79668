"""Evo-MAML without back-propagation: ES gradients inside and outside, and the evolving step between them.

Needs no JAX. Generators in the convention of ``adaptation.Operator``: they yield parameters (d, U, T, Q) of U units and
T tasks, are sent rewards (U, T, Q), and know neither tasks nor rollouts. Whatever evaluates f(theta, task) may drive
them.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.adaptation.es_gradient import ESGradient
from esmaml_mpi.baselines.evolution import Evolution
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.estimators.rewards import normalize


@dataclass(frozen=True)
class EvoZeroOrder:
    """``inner``: the ES gradient steps on support rollouts. The outer gradient is one more ES estimate, of ``queries``
    query rollouts around the mixture (and its pivot, where needed), with smoothing ``sigma``.
    """

    inner: ESGradient
    evolution: Evolution
    queries: int = 20
    sigma: float = 0.1
    estimator: str = "antithetic"
    reward_normalization: str = "standardize"

    def __post_init__(self):
        if self.sigma <= 0:
            raise ConfigError(f"sigma = {self.sigma}: it must be above 0.")
        check_budget("meta", "queries", self.queries, self.estimator, self.reward_normalization)

    def adapt(
        self, theta: np.ndarray, normals: Callable[[int], np.ndarray]
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """Mixtures (d, U, T) of theta (d, U, T): yields support queries, inner steps first, then the candidates.

        ``normals(count)`` draws the next standard normals (d, U, T, count).
        """
        adapted = yield from self.inner.adapt(theta, normals)
        points = self.evolution.points(adapted, normals(self.evolution.candidates))
        performances = yield points
        return self.evolution.mixture(points, performances)

    def gradient(
        self, mixture: np.ndarray, normals: Callable[[int], np.ndarray]
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """ES gradients (d, U, T) of the query reward at the mixture (d, U, T), one for each unit and task: the
        contributions to the first-order meta-gradient, which is their mean over tasks.
        """
        estimator = ESTIMATORS[self.estimator]
        count = self.queries // len(estimator.signs)
        directions = normals(count)
        # (d, U, T, count, signs): twins lie beside each other.
        points = mixture[..., None, None] + self.sigma * directions[..., None] * np.array(estimator.signs)
        points = points.reshape(*mixture.shape, self.queries)
        if self._evaluates_pivot:
            points = np.concatenate([points, mixture[..., None]], axis=-1)
        rewards = yield points
        values = rewards[..., : self.queries].reshape(*mixture.shape[1:], count, len(estimator.signs))
        pivot = rewards[..., self.queries] if self._evaluates_pivot else None
        normal, normal_pivot, _ = normalize(values, pivot, self.reward_normalization)
        differences = estimator.differences(normal, normal_pivot)
        return np.add.reduce(directions * differences, axis=-1) / (count * self.sigma)

    @property
    def _evaluates_pivot(self) -> bool:
        return ESTIMATORS[self.estimator].needs_pivot or self.reward_normalization == "standardize"
