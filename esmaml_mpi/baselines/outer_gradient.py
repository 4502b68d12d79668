"""The outer gradient of Evo-MAML without back-propagation: one more ES estimate, at what the candidates are mixed to.

Needs no JAX. A generator in the convention of ``adaptation.Operator``: it yields parameters (d, U, T, Q) of U units and
T tasks, is sent rewards (U, T, Q), and knows neither tasks nor rollouts. ``evo_es_gradient.py`` has the adaptation.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.estimators.rewards import normalize


@dataclass(frozen=True)
class OuterGradient:
    """From ``queries`` rollouts around the mixture (and its pivot, where needed), with smoothing ``sigma``."""

    queries: int = 20
    sigma: float = 0.1
    estimator: str = "antithetic"
    reward_normalization: str = "standardize"

    def __post_init__(self) -> None:
        if self.sigma <= 0:
            raise ConfigError(f"sigma = {self.sigma}: it must be above 0.")
        check_budget("meta", "queries", self.queries, self.estimator, self.reward_normalization)

    @property
    def directions(self) -> int:
        """How many are drawn."""
        return self.queries // len(ESTIMATORS[self.estimator].signs)

    @property
    def evaluates_pivot(self) -> bool:
        """Whether the mixture itself is evaluated, after the queries."""
        return ESTIMATORS[self.estimator].needs_pivot or self.reward_normalization == "standardize"

    @property
    def queries_at_once(self) -> int:
        """Policies that it yields."""
        return self.queries + self.evaluates_pivot

    def estimate(
        self, mixture: np.ndarray, normals: Callable[[int], np.ndarray]
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """ES gradients (d, U, T) of the query reward at the mixture (d, U, T), one for each unit and task: the
        contributions to the first-order meta-gradient, which is their mean over tasks.
        """
        estimator, count = ESTIMATORS[self.estimator], self.directions
        directions = normals(count)
        # (d, U, T, count, signs): twins lie beside each other.
        points = mixture[..., None, None] + self.sigma * directions[..., None] * np.array(estimator.signs)
        points = points.reshape(*mixture.shape, self.queries)
        if self.evaluates_pivot:
            points = np.concatenate([points, mixture[..., None]], axis=-1)
        rewards = yield points
        values = rewards[..., : self.queries].reshape(*mixture.shape[1:], count, len(estimator.signs))
        pivot = rewards[..., self.queries] if self.evaluates_pivot else None
        normal, normal_pivot, _ = normalize(values, pivot, self.reward_normalization)
        differences = estimator.differences(normal, normal_pivot)
        gradient: np.ndarray = np.add.reduce(directions * differences, axis=-1) / (count * self.sigma)
        return gradient
