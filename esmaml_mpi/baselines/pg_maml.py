"""PG-MAML and E-MAML: MAML by policy gradients (Finn et al. 2017, Algorithm 3), with TRPO outside.

    repeat
        sample tasks;  for each of them, U:
            sample trajectories with theta and step along their policy gradient, ``steps`` times: theta'
            sample trajectories with theta'
        gradient of the surrogate, mean over tasks, through the adaptations
        theta <- the furthest point along the natural gradient that raises the surrogate and keeps the mean KL small

A unit is a share of a task's trajectories (``trajectory_shares.py``). They are sampled step by step; then gradient,
curvature and candidates are asked for on the same trajectories, as often as the trust region wants.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from esmaml_mpi.baselines.asking import Asking, NotAnswered
from esmaml_mpi.baselines.meta_gradient import Asked, MetaGradient
from esmaml_mpi.baselines.per_task import task_batches
from esmaml_mpi.baselines.pg_maml_settings import EMAMLSettings, PGMAMLSections, PGMAMLSettings, check_sections
from esmaml_mpi.baselines.requirement import check_jax
from esmaml_mpi.baselines.samples import ShareKey
from esmaml_mpi.baselines.trajectory_shares import Told, TrajectoryShares
from esmaml_mpi.baselines.trust_region import Question, TrustRegion
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators.rewards import EQUAL
from esmaml_mpi.meta.stages import Request, Stage, Step
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.settings.sections import known

if TYPE_CHECKING:
    from esmaml_mpi.baselines.trajectories import Trajectories

NO_CANDIDATE = "no candidate of the line search was better and near enough"


@dataclass(frozen=True)
class PGMAML(TrajectoryShares):
    """See the module."""

    estimator: str
    first_order: bool
    exploration: float
    trust_region: TrustRegion

    Settings: ClassVar[type[PGMAMLSettings]] = PGMAMLSettings

    @classmethod
    def from_config(cls, config: PGMAMLSections) -> Self:
        meta, operator, task = config.meta, config.adaptation, config.task
        check_sections(config, "policy_gradient")
        region = TrustRegion(
            meta.max_divergence, meta.conjugate_gradients, meta.damping, meta.line_search, meta.shrinkage
        )
        queries, horizon = meta.query_trajectories or operator.queries, known(task.horizon)
        cut = operator, queries, task.rollouts, horizon, meta.shares, task_batches(config)
        return cls(*cut, meta.inner_estimator, meta.first_order, meta.exploration, region)

    def check(self, dimension: int) -> None:
        """ConfigError without JAX."""
        check_jax(f"meta.algorithm = {self.Settings.algorithm!r}")

    def iteration(
        self, theta: np.ndarray, at: Round, subspace: Subspace | None, statistics: UnitStatistics
    ) -> Generator[Stage, np.ndarray, Step]:
        """See ``Algorithm``: samples, gradient, and what the trust region asks."""
        asking = Asking(self, theta, statistics.size)
        try:
            adapted, likelihoods = yield from asking.adapted()
            yield from asking.sample(adapted)
            if not asking.good.any():
                return asking.step(None)
            reached, stays = yield from self._trusted(asking, theta, likelihoods)
        except NotAnswered as lost:
            return asking.step(None, failed=lost.failed)
        return asking.step(reached - theta, stays)

    def _trusted(
        self, asking: Asking, theta: np.ndarray, likelihoods: np.ndarray
    ) -> Generator[Stage, np.ndarray, tuple[np.ndarray, str]]:
        """The next theta (d,), and why it is the same, where the gradient does not say so."""
        steps = [sampled.steps for sampled in asking.sampled]
        mathematics = MetaGradient(self.operator.step_size, self.first_order, self.exploration, steps, likelihoods)
        count, means, squares = asking.sampled[-1].rewards.T
        scores = self._scores(means, squares / count, asking.good)
        found = asking.mean((yield from mathematics.gradient(asking.ask, scores)))
        session = self.trust_region.step(theta, found[:-1], found[-1])
        answer: np.ndarray | None = None
        while True:
            try:
                question, vector = next(session) if answer is None else session.send(answer)
            except StopIteration as done:
                reached, _ = done.value
                return reached, NO_CANDIDATE if found[:-1].any() and (reached == theta).all() else ""
            if question == Question.FISHER_PRODUCT:
                answer = asking.mean((yield from mathematics.fisher_product(asking.ask, vector)))
            else:
                answer = asking.mean((yield from mathematics.candidate(asking.ask, vector, scores)))

    def _learned(
        self, asked: Asked, key: ShareKey, sampled: "Trajectories", told: Told, request: Request, evaluator: Evaluator
    ) -> np.ndarray:
        learner = self.operator.learner(
            evaluator.setup.policy, estimator=self.estimator, exploration=bool(self.exploration)
        )
        theta = told.points if told.points.size else told.origins
        match asked:
            case Asked.STEP:
                return learner.step(theta, sampled)
            case Asked.TURNED:
                return learner.turned(theta, sampled, told.vectors)
            case Asked.EXPLORATION_SLOPE:
                return learner.exploration_slope(theta, sampled)
            case Asked.RISE:
                return learner.rise(theta, sampled)
            case Asked.OUTCOME:
                return learner.outcome(theta, sampled, told.origins)
            case Asked.CURVATURE:
                return learner.curvature(theta, sampled, told.vectors)
        raise ValueError(f"{asked!r} is not asked here")

    def _scores(self, means: np.ndarray, variances: np.ndarray, good: np.ndarray) -> np.ndarray:
        """What each task's support trajectories have led to (T,), less the mean of the others, which does not depend on
        them. In units of the standard deviation of all tasks' rewards, as ProMP's, where advantages are standardised:
        that of one task may be next to nothing.
        """
        found, scores = means[good], np.zeros(len(means))
        if len(found) > 1 and np.ptp(found) > EQUAL * np.abs(found).max():  # else they are the same up to rounding
            scores[good] = found - (np.add.reduce(found) - found) / (len(found) - 1)
        if self.operator.normalize_advantages:
            scores /= np.sqrt(variances[good].mean() + found.var()) + 1e-8
        return scores


class EMAML(PGMAML):
    """Al-Shedivat et al. 2018, Stadie et al. 2018: the adaptation is a function of given trajectories, and that theta
    has sampled them is a term of its own.
    """

    Settings = EMAMLSettings

    @classmethod
    def from_config(cls, config: PGMAMLSections) -> Self:
        if config.meta.exploration and config.task.batch_size == 1:
            raise ConfigError(
                f"task.batch_size = 1: meta.exploration = {config.meta.exploration} scores a task by what others of "
                "its batch reach; at least 2, or meta.exploration = 0, is wanted."
            )
        return super().from_config(config)
