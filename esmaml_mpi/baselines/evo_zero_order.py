"""Evo-MAML from rewards alone: ES gradients instead of policy gradients; ``evo_maml.py`` has the algorithm.

A unit is a rollout. What a task's adaptation asks for next follows from the rewards of all that it has asked for, so
that stages carry rewards alone: whoever evaluates some of a task's queries makes the task's path from theta again.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from esmaml_mpi.baselines.evo_es_gradient import EvoESGradient
from esmaml_mpi.baselines.evo_maml_settings import EvoZeroOrderSections, EvoZeroOrderSettings
from esmaml_mpi.baselines.messages import packed, unpacked
from esmaml_mpi.baselines.outer_gradient import OuterGradient
from esmaml_mpi.baselines.per_task import PerTask, task_batches
from esmaml_mpi.baselines.pg_maml_settings import check_sections
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.meta.stages import Request, Stage, Step
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Purpose, Round
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Part, Tally, Units
from esmaml_mpi.tasks.workspace import Workspace


@dataclass(frozen=True)
class EvoZeroOrder(PerTask):
    """Values of an iteration, E: for each task of the batch the rewards of its adaptation's queries and candidates, and
    then those around its adapted policy, whose own comes last where it is evaluated.
    """

    operator: EvoESGradient
    outer: OuterGradient
    sampler: Sampler
    batches: TaskBatches

    Settings: ClassVar[type[EvoZeroOrderSettings]] = EvoZeroOrderSettings
    counts = (
        "meta.perturbations",
        "adaptation.queries",
        "adaptation.candidates",
        "adaptation.steps",
        "task.batch_size",
    )

    @classmethod
    def from_config(cls, config: EvoZeroOrderSections) -> Self:
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
        if adaptation.draws != "fresh":
            raise ConfigError(
                f"adaptation.draws = {adaptation.draws!r}: meta.algorithm = 'evo_zero_order' takes the meta-gradient "
                "from the same stream, which has to go on; 'fresh' is wanted."
            )
        return cls(adaptation, outer, sampler, task_batches(config))

    def check(self, dimension: int) -> None:
        """ConfigError if the sampler cannot do with the number of perturbations."""
        self.sampler.check(dimension, self.outer.directions)

    @property
    def queries(self) -> int:  # type: ignore[override]  # nobody sets it
        """Policies around an adapted one."""
        return self.outer.queries_at_once

    @property
    def asked_for(self) -> list[int]:
        """Policies of each evaluation of a task: gradient steps, candidates, those around the mixture."""
        return [self.operator.step_queries] * self.operator.steps + [self.operator.candidates, self.queries]

    @property
    def values(self) -> int:
        """Values of one task."""
        return sum(self.asked_for)

    @property
    def most_units(self) -> int:
        """Of any stage."""
        return self.batches.size * max(self.asked_for)

    @property
    def announcement(self) -> str:
        """What an iteration evaluates."""
        return f"{self.operator.rollouts} + {self.queries} rollouts on each of {self.batches.size} tasks per iteration"

    def iteration(
        self, theta: np.ndarray, at: Round, subspace: Subspace | None = None, statistics: UnitStatistics | None = None
    ) -> Generator[Stage, np.ndarray, Step]:
        """See ``Algorithm``: a stage for each evaluation, and one for the gradients, of which a unit is a task."""
        tasks, told = self.batches.size, list[np.ndarray]()
        for number, count in enumerate(self.asked_for):
            rows = yield Stage(number, tasks * count, 1, packed(told))
            told.append(rows.reshape(tasks, count))
        gradients = yield Stage(len(self.asked_for), tasks, theta.size, packed(told))
        values = np.concatenate(told, axis=1)
        good = np.isfinite(values).all(axis=1) & np.isfinite(gradients).all(axis=1)
        values[~good] = np.nan
        if not good.any():
            return Step(None, values.ravel(), np.nan)
        own = values[good, -1:] if self.outer.evaluates_pivot else values[good, -self.queries :]
        gradient = np.add.reduce(gradients[good], axis=0) / np.count_nonzero(good)
        return Step(gradient, values.ravel(), float(np.add.reduce(own, axis=None) / own.size))

    def work(self, request: Request, indices: range, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """See ``Algorithm``: a row is a rollout's reward, or a task's gradient (d,)."""
        told, number = unpacked(request.asked.payload), request.asked.number
        if number == len(self.asked_for):
            slots = np.array(indices)
            gradients = self._path(request, slots, told, evaluator)[:, :, 0].T
            return gradients, Tally.empty(len(slots), evaluator.setup.policy.observation_size)
        rows, tallies = [], []
        for start in range(indices.start, indices.stop, evaluator.block):
            block = np.arange(start, min(start + evaluator.block, indices.stop))
            found, tally = self._rewards(request, block, told, evaluator)
            rows.append(found)
            tallies.append(tally)
        return np.concatenate(rows), Tally.joined(tallies)

    def _rewards(
        self, request: Request, units: np.ndarray, told: list[np.ndarray], evaluator: Evaluator
    ) -> tuple[np.ndarray, Tally]:
        """Rewards (U, 1) of rollouts, nan where one failed, or was not made as one before it has."""
        number = request.asked.number
        whole = self.asked_for[number]
        slots, queries = np.divmod(units, whole)
        points = self._path(request, np.arange(slots[0], slots[-1] + 1), told, evaluator)
        points = points[:, slots - slots[0], 0, queries]
        rows, tally = np.full((len(units), 1), np.nan), Tally.empty(len(units), evaluator.setup.policy.observation_size)
        sound = np.flatnonzero(np.isfinite(points).all(axis=0))
        if len(sound):
            tasks = self.batches.draw(request.round)[slots[sound]]
            part = Part(number, whole, queries[sound])
            parts = Units(request.round, tasks[:, None], np.zeros(len(sound), dtype=np.int64), part)
            outcome = evaluator.rollouts(points[:, sound], parts, request.observer, Purpose.QUERY_EPISODE)
            good = outcome.tally.good[:, None] & np.isfinite(outcome.after)
            rows[sound] = np.where(good, outcome.after, np.nan)
            tally.put(sound, outcome.tally)
        return rows, tally

    def _path(self, request: Request, slots: np.ndarray, told: list[np.ndarray], evaluator: Evaluator) -> np.ndarray:
        """What tasks of the batch, told these rewards, ask for next (d, U, 1, Q), or their gradients (d, U, 1)."""
        tasks = self.batches.draw(request.round)[slots]
        units = Units(request.round, tasks[:, None], np.zeros(len(tasks), dtype=np.int64))
        trials = Trials(evaluator.setup, units, request.observer, Workspace(), Purpose.QUERY_EPISODE)
        session = self._contribution(np.repeat(request.theta[:, None, None], len(tasks), axis=1), trials)
        with np.errstate(all="ignore"):  # rewards of failed rollouts are nan, and so is all that follows
            try:
                found = next(session)
                for rewards in told:
                    found = session.send(rewards[slots, None])
            except StopIteration as done:
                found = done.value
        return found

    def _contribution(self, theta: np.ndarray, trials: Trials) -> Generator[np.ndarray, Any, np.ndarray]:
        """Gradients (d, U, T) of what is reached from theta (d, U, T)."""
        mixture = yield from self.operator.adapt(theta, trials.directions)
        return (yield from self.outer.estimate(mixture, trials.directions))
