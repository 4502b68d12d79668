"""ES gradient adaptation:

U(theta, T) = theta + alpha grad f_sigma^T(theta), estimated from K queries (Song et al. 2020, Algorithms 1 to 3).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from esmaml_mpi.adaptation.learned_lengths import LearnedLengths, learned_setting
from esmaml_mpi.decoders import Decoder, check_rows, make_decoder
from esmaml_mpi.decoders.archive import Archive
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.estimators.rewards import normalize, scaled, scaling
from esmaml_mpi.native.door import shifted, weighted_sum
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import (
    DECODER_DOC,
    DECODER_OPTIONS_DOC,
    DECODERS,
    ESTIMATOR_DOC,
    KEY_WORD,
    NORMALIZATION_DOC,
    NORMALIZATIONS,
    AdaptationSettings,
    operator_setting,
)
from esmaml_mpi.settings.sections import ESTIMATORS as ESTIMATOR_NAMES

Archives = dict[tuple[Any, ...], Archive]  # of each unit and task


@dataclass(frozen=True)
class ESGradient(LearnedLengths, AdaptationSettings):
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
    decoder: str = setting("average", DECODER_DOC, choices=DECODERS)
    decoder_options: dict = setting({}, DECODER_OPTIONS_DOC)
    reuse_radius: float = setting(
        0.0,
        "later steps reuse earlier evaluations within this radius, in units of sigma sqrt(d), the length of a "
        "perturbation; for decoders that regress. 0: none",
        minimum=0,
    )
    learned: list[str] = learned_setting("sigma", "step_size", "scales")

    counts: ClassVar[tuple[str, ...]] = ("adaptation.queries",)
    tells_centre = True

    def __post_init__(self) -> None:
        self.check_learned()
        check_budget("adaptation", "queries", self.queries, self.estimator, self.reward_normalization)
        if self.reuse_radius and not (self._decoder.any_rows and self.evaluates_pivot):
            raise ConfigError(
                f"adaptation.reuse_radius = {self.reuse_radius}: evaluations are reused by decoders that regress "
                "(ridge, lasso, lp), and where each step evaluates its pivot; 0 is wanted."
            )
        if self.reuse_radius and self.learned:
            raise ConfigError(
                f"adaptation.reuse_radius = {self.reuse_radius}: it is in units of a sigma that stays, and "
                f"adaptation.learned = {self.learned}; 0 is wanted, or []."
            )

    @cached_property
    def _decoder(self) -> Decoder:
        return make_decoder(self.decoder, self.decoder_options, "adaptation.decoder_options")

    def check_dimension(self, dimension: int) -> None:
        """ConfigError if there are too few queries for a policy of this many parameters."""
        check_rows(self._decoder, self.step_directions, dimension)

    @property
    def evaluates_pivot(self) -> bool:
        """Whether each step also evaluates theta:

        forward differences need it, and ``standardize`` is over queries and pivot.
        """
        return ESTIMATORS[self.estimator].needs_pivot or self.reward_normalization == "standardize"

    @property
    def step_queries(self) -> int:
        """Policies of one gradient step, the pivot included."""
        return self.queries + self.evaluates_pivot

    @property
    def step_directions(self) -> int:
        """Directions of one gradient step."""
        return self.queries // len(ESTIMATORS[self.estimator].signs)

    @property
    def queries_at_once(self) -> int:
        """Policies in one yield, at most."""
        return self.step_queries

    @property
    def directions_at_once(self) -> int:
        """Directions drawn together, at most."""
        return self.step_directions

    @property
    def yields(self) -> int:
        """How often it asks for rewards."""
        return self.steps

    def pivot_last(self, step: int) -> bool:
        """Whether the last query of this yield is the pivot."""
        return self.evaluates_pivot

    @property
    def rollouts(self) -> int:
        """Rollouts of one adaptation to one task."""
        return self.steps * self.step_queries

    def adapt(
        self,
        theta: np.ndarray,
        normals: Callable[[int], np.ndarray],
        centre: Callable[[np.ndarray], None] = lambda parameters: None,
        own: np.ndarray | None = None,
        policy: AnyPolicy | None = None,
    ) -> Generator[np.ndarray, np.ndarray, np.ndarray]:
        """See ``adaptation.Operator``; ``centre`` is told theta (d, U, T) after each step."""
        lengths = self.lengths(own, policy)
        estimator = ESTIMATORS[self.estimator]
        signs, count = estimator.signs, self.step_directions
        archives = self._archives(theta) if self.reuse_radius else None
        for _ in range(self.steps):
            directions = normals(count)
            points, perturbed = np.empty((*theta.shape, self.step_queries)), lengths.perturbed(directions)
            for i, sign in enumerate(signs):
                shifted(theta, perturbed, sign * self.sigma, points, i, len(signs))
            points[..., self.queries :] = theta[..., None]
            rewards = yield points
            values = rewards[..., : self.queries].reshape(*theta.shape[1:], count, len(signs))
            pivot = rewards[..., self.queries] if self.evaluates_pivot else None
            if self.decoder == "average":
                normal, normal_pivot, _ = normalize(values, pivot, self.reward_normalization)
                weights = estimator.differences(normal, normal_pivot) / (count * self.sigma)
                if hasattr(normals, "importance"):
                    weights *= normals.importance(directions)
                gradient = weighted_sum(directions, weights)
            else:
                shift, scale, signal = scaling(values, pivot, self.reward_normalization)
                differences = estimator.differences(*scaled(values, pivot, shift, scale, signal))
                gradient = self._decoded(
                    directions, differences, theta, pivot, np.where(signal, scale, np.inf), archives
                )
                if archives:
                    self._keep(archives, points, rewards)
            theta = theta + self.step_size * lengths.stepped(gradient)
            centre(theta)
        return theta

    def _decoded(
        self,
        directions: np.ndarray,
        differences: np.ndarray,
        theta: np.ndarray,
        pivot: np.ndarray | None,
        scale: np.ndarray,
        archives: Archives | None,
    ) -> np.ndarray:
        """Gradient (d, U, T) by regression, one unit and task after the other."""
        gradient = np.empty(theta.shape)
        for at in np.ndindex(theta.shape[1:]):
            rows, measured = directions[:, *at], differences[at] / self.sigma
            if archives and pivot is not None:
                older, change = archives[at].near(theta[:, *at], float(pivot[at]), self.sigma, self.reuse_radius)
                rows = np.concatenate([rows, older], axis=1)
                measured = np.concatenate([measured, change / scale[at]])
            finite = np.isfinite(measured).all()  # else the unit has failed, which is known elsewhere
            gradient[:, *at] = self._decoder.decode(rows, measured) if finite else np.nan
        return gradient

    def _archives(self, theta: np.ndarray) -> Archives:
        """An archive for each unit and task; it may hold everything that an adaptation evaluates."""
        return {at: Archive(len(theta), self.rollouts) for at in np.ndindex(theta.shape[1:])}

    def _keep(self, archives: Archives, points: np.ndarray, rewards: np.ndarray) -> None:
        for at, archive in archives.items():
            archive.add(points[:, *at], rewards[at])
