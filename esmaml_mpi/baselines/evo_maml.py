"""Evo-MAML (Electronics 12(18):3865, 2023), from trajectories.

    repeat
        sample tasks;  for each of them, U:
            policy-gradient steps from theta, candidates around where they lead, their mixture by merit: theta'
            g = policy gradient at theta', from trajectories of its own
        theta <- theta + beta * mean over tasks of g

A unit is a share of a task's trajectories (``trajectory_shares.py``). First order: nothing is said of how theta' turns
with theta. ``evo_zero_order.py`` is the same from rewards alone.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from esmaml_mpi.baselines.asking import Asking, NotAnswered
from esmaml_mpi.baselines.evo_maml_settings import EvoMAMLSections, EvoMAMLSettings
from esmaml_mpi.baselines.evo_policy_gradient_steps import EvoPolicyGradientSteps
from esmaml_mpi.baselines.meta_gradient import Asked
from esmaml_mpi.baselines.per_task import task_batches
from esmaml_mpi.baselines.pg_maml_settings import check_sections
from esmaml_mpi.baselines.requirement import check_jax
from esmaml_mpi.baselines.samples import ShareKey
from esmaml_mpi.baselines.trajectory_shares import Told, TrajectoryShares
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.meta.stages import Request, Stage, Step
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Purpose, Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.settings.sections import known

if TYPE_CHECKING:
    from esmaml_mpi.baselines.trajectories import Trajectories


@dataclass(frozen=True)
class EvoMAML(TrajectoryShares):
    """See the module."""

    operator: EvoPolicyGradientSteps

    Settings: ClassVar[type[EvoMAMLSettings]] = EvoMAMLSettings

    @classmethod
    def from_config(cls, config: EvoMAMLSections) -> Self:
        check_sections(config, "evo_policy_gradient")
        meta, operator, task = config.meta, config.adaptation, config.task
        queries, horizon = meta.query_trajectories or operator.queries, known(task.horizon)
        return cls(operator, queries, task.rollouts, horizon, meta.shares, task_batches(config))

    def check(self, dimension: int) -> None:
        """ConfigError without JAX."""
        check_jax("meta.algorithm = 'evo_maml'")

    def iteration(
        self, theta: np.ndarray, at: Round, subspace: Subspace | None, statistics: UnitStatistics
    ) -> Generator[Stage, np.ndarray, Step]:
        """See ``Algorithm``: samples, performances of the candidates, samples of the mixture, gradient."""
        asking, operator = Asking(self, theta, statistics.size), self.operator
        try:
            adapted, _ = yield from asking.adapted()
            last = operator.steps - 1
            sums = yield from asking.ask(Asked.PERFORMANCES, last, adapted, width=operator.candidates)
            performances = sums / asking.sampled[last].steps[:, None]
            points, mixtures = self._points(adapted, self.batches.draw(at), at), np.full(adapted.shape, np.nan)
            for task in np.flatnonzero(asking.good).tolist():
                mixtures[task] = operator.evolution.mixture(points[:, task], performances[task])
            steps = (yield from asking.sample(mixtures)).steps
            gradients = (yield from asking.ask(Asked.RISE, operator.steps)) / steps[:, None]
        except NotAnswered as lost:
            return asking.step(None, failed=lost.failed)
        return asking.step(asking.mean(gradients) if asking.good.any() else None)

    def _learned(
        self, asked: Asked, key: ShareKey, sampled: "Trajectories", told: Told, request: Request, evaluator: Evaluator
    ) -> np.ndarray:
        policy = evaluator.setup.policy
        match asked:
            case Asked.STEP:
                return self.operator.learner(policy).step(told.origins, sampled)
            case Asked.PERFORMANCES:
                points = self._points(told.points[None], np.array([key.task]), request.round)
                return self.operator.comparison(policy).performances(points[:, 0], sampled)
            case Asked.RISE:
                return self.operator.learner(policy).rise(told.origins, sampled)
        raise ValueError(f"{asked!r} is not asked here")

    def _points(self, adapted: np.ndarray, tasks: np.ndarray, at: Round) -> np.ndarray:
        """Candidates (d, T, P) around adapted parameters (T, d) of these tasks."""
        normals = np.empty((adapted.shape[1], len(tasks), self.operator.candidates))
        none = np.zeros(len(tasks), dtype=np.int64)
        self.batches.streams.fill_normals_of_each(normals, Purpose.ADAPTATION, at, units=none, tasks=tasks)
        return self.operator.evolution.points(adapted.T, normals)
