"""Algorithms that learn from trajectories, of which a unit of work is a share of a task's.

A step's trajectories are sampled in one stage; later stages ask for what must be summed over them, as often as the
algorithm wants. Whoever has a share's trajectories keeps them for the iteration; whoever is asked about a share without
them samples them again, from the same keys to the same bits: stages tell all that this needs.
"""

from abc import abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from esmaml_mpi.baselines.baseline_fit import summary_size
from esmaml_mpi.baselines.messages import of_tasks, unpacked
from esmaml_mpi.baselines.meta_gradient import Asked
from esmaml_mpi.baselines.moments import MOMENTS, moments
from esmaml_mpi.baselines.per_task import PerTask
from esmaml_mpi.baselines.policy_gradient_steps import PolicyGradientSteps
from esmaml_mpi.baselines.samples import Kept, Sample, ShareKey
from esmaml_mpi.baselines.shares import Shares
from esmaml_mpi.meta.stages import Request
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.rollouts.evaluator import Evaluator
from esmaml_mpi.rollouts.recording import Recording
from esmaml_mpi.rollouts.trials import Trials
from esmaml_mpi.rollouts.units import Part, Tally, Units

if TYPE_CHECKING:
    from esmaml_mpi.baselines.trajectories import Trajectories

KINDS = 16  # of Asked, at most: a stage's number is that of the step, times this, plus what is asked


class Told(NamedTuple):
    """What a stage tells of each task, rows (T, ..) each, or one row for all, or none.

    ``origins``: what has sampled the step; theta where there are none. ``fits``: of the baseline, and then the moments
    of its advantages. ``points``: where theta stands instead of at its origin. ``vectors``: to be multiplied.
    """

    origins: np.ndarray
    fits: np.ndarray
    points: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True)
class TrajectoryShares(PerTask):
    """Values of an iteration, E: for each task of the batch the returns of its support trajectories, step by step, and
    then those of its query trajectories.
    """

    operator: PolicyGradientSteps
    queries: int  # of the last policies of ``operator``
    episodes: int  # of each query, those of its steps too
    horizon: int
    most_shares: int  # of a step's queries on one task
    batches: TaskBatches
    kept: Kept = field(default_factory=Kept, kw_only=True)

    @property
    def values(self) -> int:
        """Values of one task, as many as trajectories."""
        return (self.operator.rollouts + self.queries) * self.episodes

    @property
    def most_units(self) -> int:
        """Of any stage."""
        return max(self.shares(step).units for step in (0, self.operator.steps))

    @property
    def announcement(self) -> str:
        """What an iteration evaluates."""
        support = f"{self.operator.steps} x {self.operator.queries * self.episodes}"
        return (
            f"{support} + {self.queries * self.episodes} trajectories on each of {self.batches.size} tasks per "
            "iteration"
        )

    def shares(self, step: int) -> Shares:
        """Of the trajectories of an inner step, or of the query's, which are those of the last."""
        whole = self.operator.queries if step < self.operator.steps else self.queries
        return Shares(self.batches.size, whole, self.most_shares)

    def sample_width(self, step: int, observation_size: int) -> int:
        """Numbers of a row of SAMPLES: returns, moments of rewards, summary for the baseline."""
        return self.shares(step).size * self.episodes + MOMENTS + summary_size(observation_size, self.horizon)

    def work(self, request: Request, indices: range, evaluator: Evaluator) -> tuple[np.ndarray, Tally]:
        """See ``Algorithm``. A row is a share's answer."""
        stage, at = request.asked, request.round
        step, asked = divmod(stage.number, KINDS)
        slots, starts, lengths = self.shares(step).located(np.array(indices))
        told, tasks = Told(*unpacked(stage.payload)), self.batches.draw(at)[slots]
        origins = of_tasks(told.origins if told.origins.size else request.theta[None], slots)
        if asked == Asked.SAMPLES:
            return self._sample(step, tasks, starts, lengths, origins, request, evaluator)
        of_units = Told(origins, *(of_tasks(array, slots) for array in told[1:]))
        keys = [ShareKey(step, int(task), int(start)) for task, start in zip(tasks, starts, strict=True)]
        sound = np.isfinite(of_units.fits).all(axis=1) & np.isfinite(origins).all(axis=1)
        missing = np.array([ok and not self.kept.has(at, key) for ok, key in zip(sound, keys, strict=True)])
        if missing.any():
            which = tasks[missing], starts[missing], lengths[missing], origins[missing]
            self._sample(step, *which, request, evaluator)
        rows = np.full((len(tasks), stage.width), np.nan)
        for i in np.flatnonzero(sound).tolist():
            sample, of_unit = self.kept.of(at, keys[i]), Told(*(array[i] for array in of_units))
            if sample is not None:
                rows[i] = self._answer(Asked(asked), keys[i], sample, of_unit, request, evaluator)
        # What was sampled again was counted the first time.
        return rows, Tally.empty(len(tasks), evaluator.setup.policy.observation_size)

    @abstractmethod
    def _learned(
        self, asked: Asked, key: ShareKey, sampled: "Trajectories", told: Told, request: Request, evaluator: Evaluator
    ) -> np.ndarray:
        """The answer (k,) of a share with these trajectories; ``told`` is of its task."""

    def _answer(
        self, asked: Asked, key: ShareKey, sample: Sample, told: Told, request: Request, evaluator: Evaluator
    ) -> np.ndarray:
        policy, estimation = evaluator.setup.policy, self.operator.advantages
        fit, of_all = told.fits[:-MOMENTS], told.fits[-MOMENTS:]
        if asked == Asked.MOMENTS:
            return estimation.moments(sample.raw_advantages(estimation, fit), sample.weights)
        if told.points.size and not np.isfinite(told.points).all():
            return np.full(request.asked.width, np.inf)

        def make() -> "Trajectories":
            raw = sample.raw_advantages(estimation, fit)
            advantages = estimation.standardized(raw, sample.weights, of_all)
            episodes = self.shares(key.step).size * self.episodes
            return self.operator.trajectories(policy, told.origins, sample, advantages, episodes)

        found = self._learned(asked, key, sample.trajectories(make), told, request, evaluator)
        # At another point that is no failure: it is too far away.
        return np.where(np.isfinite(found), found, np.inf) if told.points.size else found

    def _sample(
        self,
        step: int,
        tasks: np.ndarray,
        starts: np.ndarray,
        lengths: np.ndarray,
        origins: np.ndarray,
        request: Request,
        evaluator: Evaluator,
    ) -> tuple[np.ndarray, Tally]:
        """Rows of these shares, nan where one failed or its origin (d,) is not finite; the samples are kept."""
        at, observation_size, whole = request.round, evaluator.setup.policy.observation_size, self.shares(step).whole
        width = self.sample_width(step, observation_size)
        rows, tally = np.full((len(tasks), width), np.nan), Tally.empty(len(tasks), observation_size)
        sound = np.isfinite(origins).all(axis=1)
        for length in np.unique(lengths[sound]):  # the last shares are shorter
            chosen = np.flatnonzero(sound & (lengths == length))
            none = np.zeros(len(chosen), dtype=np.int64)
            units = Units(at, tasks[chosen, None], none, Part(step, whole, starts[chosen]))
            ask_tell = partial(self._sampled, length=int(length), width=width)
            outcome = evaluator.contributions(ask_tell, origins[chosen].T, units, request.observer, width, int(length))
            good = outcome.tally.good & np.isfinite(outcome.after).all(axis=1)
            rows[chosen[good]] = outcome.after[good]
            tally.put(chosen, outcome.tally)
        for i in np.flatnonzero(np.isnan(rows).any(axis=1)):
            self.kept.put(at, ShareKey(step, int(tasks[i]), int(starts[i])), None)
        return rows, tally

    def _sampled(
        self, theta: np.ndarray, trials: Trials, length: int, width: int
    ) -> Generator[np.ndarray, Recording, np.ndarray]:
        """An AskTell: rows as columns (width, U, 1) of shares with this many queries."""
        recording = yield np.repeat(theta[..., None], length, axis=-1)
        rows, part = np.full((width, *theta.shape[1:]), np.nan), trials.units.part
        assert part is not None
        returns = self.shares(part.step).size * self.episodes
        rows[:returns] = 0.0  # what a shorter share lacks
        rows[: length * self.episodes] = np.moveaxis(recording.returns, -1, 0)
        for unit, finite in np.ndenumerate(recording.finite):
            if finite:
                sample = Sample.of(recording, unit)
                rewards = sample.rewards[sample.weights > 0]
                summary = self.operator.advantages.summary(sample.observations, sample.rewards, sample.weights)
                rows[returns:, *unit] = np.concatenate([moments(rewards), summary])
                key = ShareKey(part.step, int(trials.units.tasks[unit]), int(part.starts[unit[0]]))
                self.kept.put(trials.units.round, key, sample)
        return rows
