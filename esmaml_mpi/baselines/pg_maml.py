"""PG-MAML and E-MAML: MAML by policy gradients (Finn et al. 2017, Algorithm 3), with TRPO outside.

    repeat
        sample tasks;  for each of them, U:
            sample trajectories with theta and step along their policy gradient, ``steps`` times: theta'
            sample trajectories with theta'
        gradient of the surrogate, mean over tasks, through the adaptations
        theta <- the furthest point along the natural gradient that raises the surrogate and keeps the mean KL small

A unit is a task. Its trajectories are sampled in the first stage; the later ones ask for gradient, curvature and
candidates on the same trajectories, as often as the trust region wants. Whoever has a task's trajectories keeps them
for the iteration; whoever is asked about a task without them samples them again, from the same keys to the same bits.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from esmaml_mpi.baselines.pg_maml_settings import EMAMLSettings, PGMAMLSections, PGMAMLSettings, check_sections
from esmaml_mpi.baselines.policy_gradient_steps import PolicyGradientSteps
from esmaml_mpi.baselines.requirement import check_jax
from esmaml_mpi.baselines.samples import Kept, Sample
from esmaml_mpi.baselines.task_units import TaskUnits, task_batches
from esmaml_mpi.baselines.trust_region import Question, TrustRegion
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators.rewards import EQUAL
from esmaml_mpi.meta.stages import Request, Stage, Step
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.recording import Recording
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Tally

if TYPE_CHECKING:
    from esmaml_mpi.baselines.policy_gradient import PolicyGradient


class Asked(IntEnum):
    """What a stage wants of each task; its payload is a vector (d,), if any, then the tasks' scores."""

    SAMPLES = 0
    FISHER_PRODUCT = int(Question.FISHER_PRODUCT)
    CANDIDATE = int(Question.CANDIDATE)
    GRADIENT = 3


@dataclass(frozen=True)
class PGMAML(TaskUnits):
    """Values of an iteration, E: for each task of the batch the returns of its support trajectories, step by step, and
    then those of its query trajectories.
    """

    operator: PolicyGradientSteps
    how: dict  # settings of PolicyGradient
    queries: int  # query trajectories, of the last policies of ``operator``
    episodes: int  # of each of them
    trust_region: TrustRegion
    batches: TaskBatches
    kept: Kept = field(default_factory=Kept)

    Settings: ClassVar[type[PGMAMLSettings]] = PGMAMLSettings

    @classmethod
    def from_config(cls, config: PGMAMLSections) -> Self:
        meta, operator = config.meta, config.adaptation
        check_sections(config, "policy_gradient")
        region = TrustRegion(
            meta.max_divergence, meta.conjugate_gradients, meta.damping, meta.line_search, meta.shrinkage
        )
        how = dict(estimator=meta.inner_estimator, first_order=meta.first_order, exploration=meta.exploration)
        queries = meta.query_trajectories or operator.queries
        return cls(operator, how, queries, config.task.rollouts, region, task_batches(config))

    def check(self, dimension: int) -> None:
        """ConfigError without JAX."""
        check_jax(f"meta.algorithm = {self.Settings.algorithm!r}")

    @property
    def values(self) -> int:
        """Values of one task, as many as trajectories."""
        return (self.operator.rollouts + self.queries) * self.episodes

    @property
    def announcement(self) -> str:
        """What an iteration evaluates."""
        support = f"{self.operator.steps} x {self.operator.queries * self.episodes}"
        return (
            f"{support} + {self.queries * self.episodes} trajectories on each of {self.batches.size} tasks per "
            "iteration"
        )

    def iteration(
        self, theta: np.ndarray, at: Round, subspace: Subspace | None = None, statistics: UnitStatistics | None = None
    ) -> Generator[Stage, np.ndarray, Step]:
        """See ``Algorithm``: samples, gradient, and what the trust region asks."""
        tasks, d = self.batches.size, theta.size
        samples = yield Stage(Asked.SAMPLES, tasks, 2 + self.values)
        values = samples[:, 2:]
        good = np.isfinite(samples).all(axis=1)
        queried = values[good, self.operator.rollouts * self.episodes :]
        if not good.any():
            return Step(None, values.ravel(), np.nan)
        current = float(np.add.reduce(queried, axis=None) / queried.size)
        means, variances = samples[:, :2].T
        scores = self._scores(means, variances, good)
        found = yield Stage(Asked.GRADIENT, tasks, d + 1, scores)
        if np.isnan(found[good]).any():
            return Step(None, _without(values, found), current)
        found = np.add.reduce(found[good], axis=0) / np.count_nonzero(good)
        session = self.trust_region.step(theta, found[:d], found[d])
        answer: np.ndarray | None = None
        while True:
            try:
                question, vector = next(session) if answer is None else session.send(answer)
            except StopIteration as done:
                reached, _ = done.value
                stays = NO_CANDIDATE if found[:d].any() and (reached == theta).all() else ""
                return Step(reached - theta, values.ravel(), current, stays=stays)
            width = d if question == Question.FISHER_PRODUCT else 2
            answers = yield Stage(int(question), tasks, width, np.concatenate([vector, scores]))
            if np.isnan(answers[good]).any():
                return Step(None, _without(values, answers), current)
            answer = np.add.reduce(answers[good], axis=0) / np.count_nonzero(good)

    def work(self, request: Request, indices: range, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """See ``Algorithm``. Rows of SAMPLES: mean and variance of a query step's reward, all returns."""
        stage, at, theta = request.asked, request.round, request.theta
        tasks = self.batches.draw(at)[np.array(indices)]
        if stage.number == Asked.SAMPLES:
            return self._sample(tasks, request, evaluator)
        missing = np.array([task for task in tasks if not self.kept.has(at, task)], dtype=np.int64)
        if missing.size:
            self._sample(missing, request, evaluator)
        learner = self.operator.learner(evaluator.setup.policy, **self.how)
        vector, scores = np.split(stage.payload, [stage.payload.size - self.batches.size])
        rows = np.full((len(tasks), stage.width), np.nan)
        for row, i, task in zip(rows, indices, tasks, strict=True):
            sample = self.kept.of(at, task)
            if sample is not None:
                row[:] = self._answer(Asked(stage.number), learner, theta, sample, vector, scores[i])
        # What was sampled again was counted the first time.
        return rows, Tally.empty(len(tasks), evaluator.setup.policy.observation_size)

    def _answer(
        self,
        asked: Asked,
        learner: "PolicyGradient",
        theta: np.ndarray,
        sample: Sample,
        vector: np.ndarray,
        score: float,
    ) -> np.ndarray:
        supports, query = sample.supports, sample.query
        if asked == Asked.FISHER_PRODUCT:
            return learner.fisher_product(theta, supports, query, vector)
        if asked == Asked.CANDIDATE:
            found: np.ndarray = np.array(learner.surrogate(vector, supports, query, score, sample.adapted))
            return np.where(np.isfinite(found), found, [-np.inf, np.inf])  # not a failure: too far away
        gradient = learner.gradient(theta, supports, query, score)
        value, _ = learner.surrogate(theta, supports, query, score, sample.adapted)
        return np.append(gradient, value)

    def _sample(self, tasks: np.ndarray, request: Request, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """Rows of these tasks, whose trajectories are kept."""
        rows, tally = self.rows(self._sampled, tasks, request, evaluator, 2 + self.values)
        for task in tasks[np.isnan(rows).any(axis=1)]:
            self.kept.put(request.round, task, None)
        return rows, tally

    def _sampled(self, theta: np.ndarray, trials: Trials) -> Generator[np.ndarray, Recording, np.ndarray]:
        """An AskTell: rows as columns (2 + values, U, 1)."""
        adapted, supports, trajectories = yield from self.operator.sampled(theta, **self.how)
        query = yield np.repeat(adapted[..., None], self.queries, axis=-1)
        rows = np.full((2 + self.values, *theta.shape[1:]), np.nan)
        rows[2:] = np.moveaxis(np.concatenate([each.returns for each in (*supports, query)], axis=-1), -1, 0)
        for unit, finite in np.ndenumerate(query.finite):
            if finite and unit in trajectories:
                sampled = self.operator.trajectories(adapted[:, *unit], query, unit)
                sample = Sample(trajectories[unit], sampled, adapted[:, *unit])
                self.kept.put(trials.units.round, int(trials.units.tasks[unit]), sample)
                rewards = query.rewards[unit][query.weights[unit] > 0]
                rows[:2, *unit] = rewards.mean(), rewards.var()
        return rows

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


def _without(values: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Values (E,) of tasks (T, values), nan where a task has failed since: it could not be sampled again, or what was
    asked of its trajectories is not finite.
    """
    return np.where(np.isnan(answers).any(axis=1)[:, None], np.nan, values).ravel()


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


NO_CANDIDATE = "no candidate of the line search was better and near enough"
