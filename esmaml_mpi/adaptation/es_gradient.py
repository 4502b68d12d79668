"""ES gradient adaptation:

U(theta, T) = theta + alpha grad f_sigma^T(theta), estimated from K queries (Song et al. 2020, Algorithms 1 to 3).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.estimators.rewards import normalize
from esmaml_mpi.sections import (
    ESTIMATOR_DOC,
    KEY_WORD,
    NORMALIZATION_DOC,
    NORMALIZATIONS,
    AdaptationSettings,
    operator_setting,
)
from esmaml_mpi.sections import ESTIMATORS as ESTIMATOR_NAMES
from esmaml_mpi.settings import setting


@dataclass(frozen=True)
class ESGradient(AdaptationSettings):
    """``steps`` gradient-ascent steps of ``queries`` queries each; the pivot, where needed, is one more rollout a
    step.
    """

    operator: str = operator_setting("es_gradient")
    queries: int = setting(20, "queries K per adaptation step, the pivot not counted", minimum=1)
    sigma: float = setting(0.1, "smoothing of the adaptation gradient", above=0)
    step_size: float = setting(0.05, "adaptation step alpha", minimum=0)
    steps: int = setting(1, "adaptation steps, K queries each", minimum=1, maximum=KEY_WORD)
    estimator: str = setting("forward_fd", ESTIMATOR_DOC, choices=ESTIMATOR_NAMES)
    reward_normalization: str = setting("standardize", NORMALIZATION_DOC, choices=NORMALIZATIONS)

    def __post_init__(self):
        check_budget("adaptation", "queries", self.queries, self.estimator, self.reward_normalization)

    @property
    def evaluates_pivot(self) -> bool:
        """Whether each step also evaluates theta:

        forward differences need it, and ``standardize`` is over queries and pivot.
        """
        return ESTIMATORS[self.estimator].needs_pivot or self.reward_normalization == "standardize"

    @property
    def queries_at_once(self) -> int:
        """Policies in one yield."""
        return self.queries + self.evaluates_pivot

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return self.steps * self.queries_at_once

    def adapt(
        self, theta: np.ndarray, normals: Callable[[int], np.ndarray]
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``."""
        estimator = ESTIMATORS[self.estimator]
        signs = estimator.signs
        count = self.queries // len(signs)
        for _ in range(self.steps):
            directions = normals(count)
            points = np.empty((*theta.shape, self.queries_at_once))
            for i, sign in enumerate(signs):
                side = points[..., i : self.queries : len(signs)]
                np.multiply(directions, sign * self.sigma, out=side)
                np.add(side, theta[..., None], out=side)
            points[..., self.queries :] = theta[..., None]
            rewards = yield points
            values = rewards[..., : self.queries].reshape(*theta.shape[1:], count, len(signs))
            pivot = rewards[..., self.queries] if self.evaluates_pivot else None
            values, pivot, _ = normalize(values, pivot, self.reward_normalization)
            weights = estimator.differences(values, pivot) / (count * self.sigma)
            np.multiply(directions, weights, out=directions)
            theta = theta + self.step_size * np.add.reduce(directions, axis=-1)
        return theta
