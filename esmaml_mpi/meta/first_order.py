"""First-order ES-MAML (Song et al. 2020, Algorithm 5), with the ES Hessian of Algorithm 4 or without it.

    repeat
        sample tasks;  for each of them:
            g1 = ES gradient at theta, and H = ES Hessian from the same queries
            theta' = theta + alpha g1
            g2 = ES gradient at theta', from queries of its own
        theta <- theta + beta * mean over tasks of (I + alpha H) g2

which estimates the gradient of mean_T f_sigma^T(theta + alpha grad f_sigma^T(theta)); H = 0 leaves out how theta' turns
with theta. H is never formed: H g2 comes from the queries directly.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.estimators.rewards import finite_mean
from esmaml_mpi.hessians import HESSIANS
from esmaml_mpi.meta.curvature import PROJECTIONS, Curvature, projections
from esmaml_mpi.meta.first_order_settings import (
    FirstOrderSections,
    FirstOrderSettings,
    adaptation_probe,
    check_settings,
)
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.probe_rollouts import Rollouts, roll_out
from esmaml_mpi.meta.probes import Measured, Probe
from esmaml_mpi.meta.stages import Combination, Request, Stage, Step
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.observations.unit_statistics import UnitStatistics
from esmaml_mpi.reproducibility.randomness import Purpose, Round, Streams
from esmaml_mpi.rollouts.corruption import RewardCorruption
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.units import Tally
from esmaml_mpi.settings.fields import parse
from esmaml_mpi.settings.sections import known

INNER, OUTER = 0, 1  # which of the two probes
EPISODES = (Purpose.BEFORE_EPISODE, Purpose.AFTER_EPISODE)  # what keys the noise of their rollouts


@dataclass(frozen=True)
class FirstOrder:
    """Values of an iteration, E: for each task of the batch the inner probe's rewards, then for each the outer's.

    Split ``perturbation``: a unit is one rollout, in two stages. Split ``task``: a unit is one task with all its
    rollouts. Both do the same rollouts with the same random numbers.
    """

    probes: tuple[Probe, Probe]  # at theta, and at theta'
    step_size: float  # alpha
    curvature: Curvature | None  # the estimate of H, from the inner probe
    split: str
    local: bool  # whether each unit has observation statistics of its own
    corruption: RewardCorruption
    batches: TaskBatches

    Settings = FirstOrderSettings
    counts = ("meta.perturbations", "meta.current_evaluations", "meta.adaptation_queries", "task.batch_size")
    queries_at_once = 1
    tasks_at_once = 1

    @classmethod
    def from_config(cls, config: FirstOrderSections) -> "FirstOrder":
        meta, streams = config.meta, Streams(config.run.seed)
        check_settings(config)
        outer = Probe(Perturbations.of_meta_policy(meta, meta.perturbations, streams), meta.current_evaluations)
        inner = adaptation_probe(config, streams)
        curvature = Curvature(HESSIANS[meta.hessian_estimator], meta.hessian_rewards, inner.perturbations)
        return cls(
            (inner, outer),
            config.adaptation.step_size,
            curvature if meta.use_hessian else None,
            meta.split,
            meta.observation_statistics == "local",
            parse(RewardCorruption, config.task.corruption, "task.corruption"),
            TaskBatches(known(config.task.train_size), known(config.task.batch_size), streams),
        )

    def check(self, dimension: int) -> None:
        """ConfigError if there are too few, or too many, directions for a policy of this many parameters."""
        for probe in self.probes:
            probe.perturbations.check(dimension)

    @property
    def rollouts(self) -> int:
        """Of one task."""
        return sum(probe.count for probe in self.probes)

    @property
    def evaluations(self) -> int:
        """Values of an iteration, E."""
        return self.batches.size * self.rollouts

    @property
    def most_units(self) -> int:
        """Of any stage."""
        return self.batches.size * (1 if self.split == "task" else max(probe.count for probe in self.probes))

    @property
    def directions_held(self) -> int:
        """Directions that a rank holds at once."""
        return self.batches.size * sum(probe.perturbations.held for probe in self.probes)

    @property
    def uses_subspace(self) -> bool:
        """Whether directions use what earlier meta-gradients suggest."""
        return any(probe.perturbations.sampler.uses_basis for probe in self.probes)

    @property
    def keeps_unit_statistics(self) -> int:
        """How many units keep observation statistics of their own."""
        return self.most_units if self.local else 0

    @property
    def announcement(self) -> str:
        """What an iteration evaluates."""
        inner, outer = (probe.count for probe in self.probes)
        return f"{inner} + {outer} rollouts on each of {self.batches.size} tasks per iteration"

    def iteration(
        self, theta: np.ndarray, at: Round, subspace: Subspace | None, statistics: UnitStatistics | None = None
    ) -> Generator[Stage | Combination, np.ndarray, Step]:
        """See ``Algorithm``: two stages, or one where a unit is a task; one more for H."""
        tasks, (inner, outer) = self.batches.draw(at), (probe.count for probe in self.probes)
        observers, extra = np.empty(0), 0
        if self.local:
            assert statistics is not None
            observers = np.concatenate([part.ravel() for part in statistics.mean_std()])
            extra = 1 + 2 * statistics.size
        if self.split == "task":
            rows = yield Stage(0, len(tasks), inner + outer + extra, observers)
            values = np.split(rows[:, : inner + outer], [inner], axis=1)
            sums = rows[:, inner + outer :] if self.local else None
        else:
            first = yield Stage(INNER, len(tasks) * inner, 1 + extra, observers)
            rewards = first[:, 0].reshape(len(tasks), inner)
            found = [self._inner(of_task, task, at) for of_task, task in zip(rewards, tasks, strict=True)]
            steps = yield from self._gradients(INNER, found, theta.size, tasks, at, subspace)
            adapted = theta[:, None] + self.step_size * steps.T
            second = yield Stage(OUTER, len(tasks) * outer, 1 + extra, np.concatenate([adapted.ravel(), observers]))
            values = [rewards, second[:, 0].reshape(len(tasks), outer)]
            sums = self._by_unit(first[:, 1:], second[:, 1:]) if self.local else None
        gradient = yield from self._gradient(theta.size, values[INNER], values[OUTER], tasks, at, subspace)
        perturbed = self.probes[OUTER].perturbations.queries  # evaluations of theta' itself come after these
        current = finite_mean(values[OUTER][:, perturbed:])
        return Step(gradient, np.concatenate([part.ravel() for part in values]), current, sums)

    def directions_of(self, number: int, at: Round) -> tuple[Perturbations, np.ndarray]:
        """See ``Algorithm``: those of the inner or the outer probe, which each task has of its own."""
        return self.probes[number].perturbations, self.batches.draw(at)

    def work(self, request: Request, indices: range, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """See ``Algorithm``: a row is a rollout's reward, or a task's rewards, then what local statistics need; of
        projections it is one.
        """
        theta, tasks, units = request.theta, self.batches.draw(request.round), np.array(indices)
        if request.asked.number == PROJECTIONS:
            return projections(self.probes[INNER].perturbations, request, tasks, units)
        centres = np.repeat(theta[:, None], len(tasks), axis=1)
        if self.split == "perturbation":
            which = request.asked.number
            if which == OUTER:
                centres = request.asked.payload[: centres.size].reshape(centres.shape)
            slots, evaluations = np.divmod(units, self.probes[which].count)
            return self._roll_out(which, centres, tasks, slots, evaluations, request, evaluator)
        parts: list[np.ndarray] = []
        tallies: list[Tally] = []
        sums: np.ndarray | float = 0.0
        for which, probe in enumerate(self.probes):
            slots, evaluations = np.repeat(units, probe.count), np.tile(np.arange(probe.count), len(units))
            found, tally = self._roll_out(which, centres, tasks, slots, evaluations, request, evaluator)
            found = found.reshape(len(units), probe.count, -1)
            parts.append(found[..., 0])
            sums = sums + np.add.reduce(found[..., 1:], axis=1)
            tallies.append(tally)
            if which == INNER:
                centres[:, units] = self._adapted(theta, parts[0], tasks[units], request.round, request.subspace)
        return np.concatenate([*parts, sums], axis=1), Tally.joined(tallies)

    def _gradient(
        self,
        size: int,
        inner: np.ndarray,
        outer: np.ndarray,
        tasks: np.ndarray,
        at: Round,
        subspace: Subspace | None = None,
    ) -> Generator[Stage | Combination, np.ndarray, np.ndarray | None]:
        """Meta-gradient (d,) from rewards (T, inner) and (T, outer), nan where a rollout failed.

        The mean over the tasks that have enough left; None if there is none.
        """
        first = [self._inner(values, task, at) for values, task in zip(inner, tasks, strict=True)]
        second = [self.probes[OUTER].measured(values) for values in outer]
        enough = np.array([self._enough(*both) for both in zip(first, second, strict=True)])
        if not enough.any():
            return None
        second = [found if good else None for found, good in zip(second, enough, strict=True)]
        gradients = yield from self._gradients(OUTER, second, size, tasks, at, subspace)
        if self.curvature is not None:
            first = [found if good else None for found, good in zip(first, enough, strict=True)]
            turned = yield from self.curvature.products(INNER, first, gradients)
            gradients = gradients + self.step_size * turned
        total = np.zeros(size)
        for gradient in gradients[enough]:
            total = total + gradient
        mean: np.ndarray = total / np.count_nonzero(enough)
        return mean

    def _enough(self, inner: Measured | None, outer: Measured | None) -> bool:
        """Whether a task takes part in the mean."""
        if inner is None or outer is None:
            return False
        return self.curvature is None or self.curvature.has_enough(inner)

    def _gradients(
        self,
        which: int,
        found: Sequence[Measured | None],
        size: int,
        tasks: np.ndarray,
        at: Round,
        subspace: Subspace | None,
    ) -> Generator[Combination, np.ndarray, np.ndarray]:
        """Gradients (T, d) of a probe's rewards at each task's centre; 0 where they are too few."""
        probe = self.probes[which]
        if probe.perturbations.summable:
            none = np.zeros(probe.perturbations.directions)
            weights = [none if one is None else probe.weights(one, at) for one in found]
            return (yield Combination(which, np.array(weights)))
        gradients = np.zeros((len(tasks), size))
        for gradient, one, task in zip(gradients, found, tasks, strict=True):
            if one is not None:
                gradient[:] = probe.gradient(one, size, at, task, subspace)
        return gradients

    def _adapted(
        self, theta: np.ndarray, rewards: np.ndarray, tasks: np.ndarray, at: Round, subspace: Subspace | None
    ) -> np.ndarray:
        """theta' (d, T) of each task from its rewards (T, inner); theta where they are too few."""
        adapted = np.empty((theta.size, len(tasks)))
        for column, (task, values) in enumerate(zip(tasks, rewards, strict=True)):
            found, adapted[:, column] = self._inner(values, task, at), theta
            if found is not None:
                gradient = self.probes[INNER].gradient(found, theta.size, at, task, subspace)
                adapted[:, column] += self.step_size * gradient
        return adapted

    def _inner(self, values: np.ndarray, task: int, at: Round) -> Measured | None:
        """What an adaptation sees of its rewards (inner,)."""
        if self.corruption.active:
            generator = self.batches.streams.generator(Purpose.CORRUPTION, at, task=task)
            values = self.corruption.apply(values, generator, bool(self.probes[INNER].centres))
        return self.probes[INNER].measured(values)

    def _roll_out(
        self,
        which: int,
        centres: np.ndarray,
        tasks: np.ndarray,
        slots: np.ndarray,
        evaluations: np.ndarray,
        request: Request,
        evaluator: Evaluator,
    ) -> tuple[np.ndarray, Tally]:
        observers = None
        if self.local:
            observers = self._observers(request).of(self._unit_of(slots, evaluations))
        probe, asked = self.probes[which], Rollouts(tasks, slots, evaluations, EPISODES[which])
        return roll_out(probe, centres, asked, request, evaluator, observers)

    def _unit_of(self, slots: np.ndarray, evaluations: np.ndarray) -> np.ndarray:
        """The unit whose statistics a rollout uses: its task, or the rollouts of this number in both stages."""
        return slots if self.split == "task" else slots * max(probe.count for probe in self.probes) + evaluations

    def _observers(self, request: Request) -> Observer:
        """Every unit's own, from the end of the payload."""
        size = request.observer.mean.size
        mean, std = request.asked.payload[-2 * size * self.most_units :].reshape(2, size, self.most_units)
        return Observer(mean, std)

    def _by_unit(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Sums (units, 1 + 2n) from those of the rollouts of both stages."""
        sums = np.zeros((self.batches.size, self.most_units // self.batches.size, first.shape[1]))
        for rows in (first, second):
            rows = rows.reshape(len(sums), -1, rows.shape[1])
            sums[:, : rows.shape[1]] += rows
        return sums.reshape(-1, first.shape[1])
