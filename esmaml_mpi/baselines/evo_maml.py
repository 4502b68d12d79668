"""Evo-MAML (Electronics 12(18):3865, 2023), from trajectories or from rewards alone.

    repeat
        sample tasks;  for each of them, U:
            gradient steps from theta, candidates around where they lead, their mixture by merit: theta'
            g = gradient at theta', from rollouts of its own
        theta <- theta + beta * mean over tasks of g

A unit is a task; one stage an iteration. First order: nothing is said of how theta' turns with theta.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from esmaml_mpi.baselines.evo_es_gradient import EvoESGradient
from esmaml_mpi.baselines.evo_maml_settings import (
    EvoMAMLSections,
    EvoMAMLSettings,
    EvoZeroOrderSections,
    EvoZeroOrderSettings,
)
from esmaml_mpi.baselines.evo_policy_gradient_steps import EvoPolicyGradientSteps
from esmaml_mpi.baselines.evo_zero_order import OuterGradient
from esmaml_mpi.baselines.pg_maml_settings import check_sections
from esmaml_mpi.baselines.requirement import check_jax
from esmaml_mpi.baselines.task_units import TaskUnits, task_batches
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.meta.stages import Request, Stage, Step
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Tally
from esmaml_mpi.settings.sections import MetaSettings


@dataclass(frozen=True)
class EvoMAML(TaskUnits):
    """Values of an iteration, E: for each task of the batch the returns of its support trajectories, step by step, and
    then those of its query trajectories.
    """

    operator: EvoPolicyGradientSteps | EvoESGradient
    queries: int  # query trajectories
    episodes: int  # of each trajectory that is asked for
    batches: TaskBatches

    Settings: ClassVar[type[MetaSettings]] = EvoMAMLSettings

    @classmethod
    def from_config(cls, config: EvoMAMLSections) -> Self:
        check_sections(config, "evo_policy_gradient")
        queries = config.meta.query_trajectories or config.adaptation.queries
        return cls(config.adaptation, queries, config.task.rollouts, task_batches(config))

    def check(self, dimension: int) -> None:
        """ConfigError without JAX."""
        check_jax("meta.algorithm = 'evo_maml'")

    @property
    def support(self) -> int:
        """Values of one task's adaptation."""
        return self.operator.rollouts * self.episodes

    @property
    def query(self) -> int:
        """Values of one task's adapted policy."""
        return self.queries * self.episodes

    @property
    def values(self) -> int:
        """Values of one task."""
        return self.support + self.query

    @property
    def announcement(self) -> str:
        """What an iteration evaluates."""
        return f"{self.support} + {self.query} rollouts on each of {self.batches.size} tasks per iteration"

    def iteration(
        self, theta: np.ndarray, at: Round, subspace: Subspace | None = None, statistics: UnitStatistics | None = None
    ) -> Generator[Stage, np.ndarray, Step]:
        """See ``Algorithm``: one stage."""
        rows = yield Stage(0, self.batches.size, theta.size + self.values)
        gradients, values = rows[:, : theta.size], rows[:, theta.size :]
        good = np.isfinite(rows).all(axis=1)
        if not good.any():
            return Step(None, values.ravel(), np.nan)
        current = self._current(values[good, self.support :])
        return Step(np.add.reduce(gradients[good], axis=0) / np.count_nonzero(good), values.ravel(), current)

    def work(self, request: Request, indices: range, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """See ``Algorithm``: a row is a task's gradient (d,), then its values."""
        tasks = self.batches.draw(request.round)[np.array(indices)]
        return self.rows(self._contribution, tasks, request, evaluator, request.asked.width)

    def _contribution(self, theta: np.ndarray, trials: Trials) -> Generator[np.ndarray, Any, np.ndarray]:
        """An AskTell: columns of ``work``'s rows."""
        told: list[np.ndarray] = []
        mixture = yield from _noting(self.operator.adapt(theta, trials.directions), told)
        gradient = yield from _noting(self._gradient(mixture, trials), told)
        return np.concatenate([gradient, np.moveaxis(np.concatenate(told, axis=-1), -1, 0)])

    def _gradient(self, mixture: np.ndarray, trials: Trials) -> Generator[np.ndarray, Any, np.ndarray]:
        """Gradients (d, U, T) at mixtures (d, U, T)."""
        assert isinstance(self.operator, EvoPolicyGradientSteps)
        recording = yield np.repeat(mixture[..., None], self.queries, axis=-1)
        gradient, comparison = np.full(mixture.shape, np.nan), self.operator.comparison(recording.policy)
        for at, finite in np.ndenumerate(recording.finite & np.isfinite(mixture).all(axis=0)):
            if finite:
                trajectories = self.operator.trajectories(mixture[:, *at], recording, at)
                gradient[:, *at] = comparison.gradient(mixture[:, *at], trajectories)
        return gradient

    def _current(self, values: np.ndarray) -> float:
        """The adapted reward from values (T, query)."""
        return float(np.add.reduce(values, axis=None) / values.size)


@dataclass(frozen=True)
class EvoZeroOrder(EvoMAML):
    """Values of an iteration, E: for each task of the batch the rewards of its adaptation's queries and candidates, and
    then those around its adapted policy, whose own comes last where it is evaluated.
    """

    outer: OuterGradient
    sampler: Sampler

    Settings = EvoZeroOrderSettings
    counts = (
        "meta.perturbations",
        "adaptation.queries",
        "adaptation.candidates",
        "adaptation.steps",
        "task.batch_size",
    )

    @classmethod
    def from_config(cls, config: EvoZeroOrderSections) -> Self:  # type: ignore[override]  # of its own configurations
        meta, adaptation = config.meta, config.adaptation
        check_sections(config, "evo_es_gradient")
        check_budget("meta", "perturbations", meta.perturbations, meta.estimator, meta.reward_normalization)
        outer = OuterGradient(meta.perturbations, meta.sigma, meta.estimator, meta.reward_normalization)
        sampler = make_sampler(adaptation.directions, adaptation.direction_options, "adaptation")
        if sampler.uses_basis:
            raise ConfigError(
                f"adaptation.directions = {adaptation.directions!r}: with meta.algorithm = 'evo_zero_order' nothing is "
                "remembered of earlier meta-gradients; another is wanted."
            )
        return cls(adaptation, outer.queries_at_once, 1, task_batches(config), outer, sampler)

    def check(self, dimension: int) -> None:
        """ConfigError if the sampler cannot do with the number of perturbations."""
        self.sampler.check(dimension, self.outer.directions)

    def _gradient(self, mixture: np.ndarray, trials: Trials) -> Generator[np.ndarray, Any, np.ndarray]:
        return self.outer.estimate(mixture, trials.directions)

    def _current(self, values: np.ndarray) -> float:
        own = values[:, self.outer.queries :] if self.outer.evaluates_pivot else values
        return float(np.add.reduce(own, axis=None) / own.size)


def _noting(
    session: Generator[np.ndarray, Any, np.ndarray], told: list[np.ndarray]
) -> Generator[np.ndarray, Any, np.ndarray]:
    """The session's own queries; the rewards (U, T, Q) that it is told are added to ``told``."""
    answer = None
    while True:
        try:
            queries = session.send(answer)
        except StopIteration as done:
            mixture: np.ndarray = done.value
            return mixture
        answer = yield queries
        told.append(getattr(answer, "returns", answer))
