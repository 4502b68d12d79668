"""Rollouts of whole units: draws their keyed randomness, runs their queries, keeps their tally."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from esmaml_mpi.adaptation import Operator
from esmaml_mpi.directions.drawing import Directions, Source
from esmaml_mpi.directions.gaussian import Gaussian
from esmaml_mpi.directions.sampler import Sampler
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.errors import in_words
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.reproducibility.exact_sums import LARGEST
from esmaml_mpi.reproducibility.randomness import Purpose, Streams
from esmaml_mpi.rollouts.causes import Cause
from esmaml_mpi.rollouts.corruption import RewardCorruption
from esmaml_mpi.rollouts.faults import fault_of
from esmaml_mpi.rollouts.recording import Recording
from esmaml_mpi.rollouts.result import RolloutResult
from esmaml_mpi.rollouts.simulate import RolloutError, simulate
from esmaml_mpi.rollouts.units import Status, Tally, Units
from esmaml_mpi.tasks.contract import checked_noise
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.workspace import Workspace

# What keys the noise inside an episode -> what keys the actions of policies that act at random.
ACTIONS = {
    Purpose.QUERY_EPISODE: Purpose.QUERY_ACTIONS,
    Purpose.BEFORE_EPISODE: Purpose.BEFORE_ACTIONS,
    Purpose.AFTER_EPISODE: Purpose.AFTER_ACTIONS,
    Purpose.SHARED_EPISODE: Purpose.SHARED_ACTIONS,
}


@dataclass(frozen=True)
class RolloutSetup:
    """What every rollout of a run needs; ``task_table`` (p, tasks) holds task parameters by id."""

    policy: AnyPolicy
    family: TaskFamily
    task_table: np.ndarray
    streams: Streams
    episodes: int = 1
    share_rollouts: bool = False  # one simulated query is priced for every task of its unit
    scored_by_trials: bool = False  # in training the trials of an adapted policy are its score
    sampler: Sampler = Gaussian()
    corruption: RewardCorruption = RewardCorruption()
    pivot_last: Callable[[int], bool] = lambda step: False  # whether the last of an operator's queries is the pivot
    draws: str = "fresh"  # see Source


@dataclass
class Trials:
    """The rollouts of some units under one observer, or one for each unit. ``purpose`` keys the noise inside episodes.

    With ``share_rollouts`` the tasks of a unit draw their first directions in common, and where an adaptation's first
    queries are then the same for all tasks, they are simulated once and priced for each. Later ones are not looked at:
    whether they agree may depend on rewards, and the rollouts of a unit must not depend on the units beside it.
    """

    setup: RolloutSetup
    units: Units
    observer: Observer
    workspace: Workspace
    purpose: Purpose
    subspace: Subspace | None = None
    tally: Tally = field(init=False)
    source: Source = field(init=False)
    successes: np.ndarray | None = field(default=None, init=False)  # (U, T, Q) of the last evaluate, if reported
    evaluations: int = field(default=0, init=False)  # calls of evaluate so far: the step index of their streams
    draws: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.tally = Tally.empty(len(self.units), self.setup.policy.observation_size)
        self.source = Source(self.setup.sampler, self.setup.streams, self.subspace, self.setup.draws)
        if self.units.part:
            self.evaluations = self.units.part.step

    @property
    def directions(self) -> Directions:
        """What an operator draws from."""
        return Directions(self.normals, self.source)

    def normals(self, count: int, size: int | None = None) -> np.ndarray:
        """The next ``count`` directions for each unit and task (d, U, T, count), scaled as standard normals; with
        ``size`` of so many numbers each.
        """
        rows, tasks = self.units.tasks.shape
        drawn = np.empty((size or self.setup.policy.size, rows, tasks, count))
        fill = partial(self.source.fill_each, at=self.units.round, step=self.draws)
        # Only those of the first queries: after an evaluation the tasks of a unit may stand at different points.
        if self._sharing and self.evaluations == 0 and self.setup.draws == "fresh":
            none = np.zeros(rows, dtype=np.int64)
            fill(drawn[:, :, 0], Purpose.SHARED_ADAPTATION, units=self.units.streams, tasks=none)
            drawn[:, :, 1:] = drawn[:, :, :1]
        else:
            flat, units = drawn.reshape(len(drawn), rows * tasks, count), np.repeat(self.units.streams, tasks)
            fill(flat, Purpose.ADAPTATION, units=units, tasks=self.units.tasks.ravel())
        self.draws += 1
        return drawn

    def evaluate(self, parameters: np.ndarray) -> np.ndarray:
        """Mean return (U, T, Q) of parameters (d, U, T, Q): Q policies for each task of each unit."""
        _, rows, tasks, queries = parameters.shape
        first = self.evaluations == 0 and self.purpose is Purpose.QUERY_EPISODE
        if self._sharing and first and np.all(parameters == parameters[:, :, :1]):
            result = self.run(parameters[:, :, :1], shared=True)
            returns = result.returns.reshape(tasks, rows, queries, self.setup.episodes).swapaxes(0, 1)
        else:
            result = self.run(parameters)
            returns = result.returns.reshape(rows, tasks, queries, self.setup.episodes)
            if result.successes is not None:
                self.successes = result.successes.reshape(returns.shape).mean(axis=-1)
        self._count(result, returns)
        values = returns[..., 0] if self.setup.episodes == 1 else np.add.reduce(returns, axis=-1) / self.setup.episodes
        return self._measured(values)

    def answers(self, operator: Operator) -> Callable[[np.ndarray], np.ndarray | Recording]:
        """What an adaptation operator's queries are answered by."""
        if getattr(operator, "uses_memory", False):
            return self.live
        return self.record if getattr(operator, "uses_recordings", False) else self.evaluate

    def record(self, parameters: np.ndarray) -> Recording:
        """The whole episodes of parameters (d, U, T, Q), Q * episodes for each task of each unit."""
        _, rows, tasks, _ = parameters.shape
        flat, table, noise, observer = self._columns(parameters, shared=False)
        result = self.simulated(flat, table, noise, observer, record=True)
        self._count(result, result.returns.reshape(rows, tasks, -1))
        return Recording.of(self.setup.policy, flat, observer, result, (rows, tasks))

    def live(self, parameters: np.ndarray) -> np.ndarray:
        """What policies that see their rewards remember (s, U, T, Q) after an episode with parameters (d, U, T, Q),
        below which may stand what they remembered before.
        """
        _, rows, tasks, queries = parameters.shape
        result = self.run(parameters)
        self._count(result, result.returns.reshape(rows, tasks, queries))
        assert result.memory is not None and self.setup.episodes == 1
        return result.memory.reshape(-1, rows, tasks, queries)

    def _count(self, result: RolloutResult, returns: np.ndarray) -> None:
        """Add rollouts, whose returns are (U, ...) by unit, to the tally."""
        lengths = result.lengths.reshape(len(returns), -1)
        sums = result.observation_sums.reshape(-1, *lengths.shape)
        with np.errstate(invalid="ignore", over="ignore"):
            sums = np.add.reduce(sums, axis=-1)
            good, bounded = np.isfinite(returns), np.abs(sums) < LARGEST
        rollouts, steps = lengths.shape[1], np.add.reduce(lengths, axis=1)
        if not (good.all() and bounded.all()):
            failed = ~(good.reshape(len(returns), -1).all(axis=1) & bounded.all(axis=0))
            for unit in np.flatnonzero(failed):
                self.tally.causes.setdefault(int(unit), self._cause(int(unit), result, returns[unit], sums[:, unit]))
            self.tally.status[failed] = np.maximum(self.tally.status[failed], int(Status.NOT_FINITE))
            sums[:, failed] = 0.0
        self.tally.count(sums, rollouts, steps)

    def _cause(self, unit: int, result: RolloutResult, returns: np.ndarray, sums: np.ndarray) -> Cause:
        """Why a unit has failed: what is known of its first rollout that has."""
        columns = result.returns.shape[-1] // len(self.units)
        tasks = self.units.tasks[unit]
        for column in range(unit * columns, (unit + 1) * columns):
            if column in result.faults:
                task = int(tasks[(column - unit * columns) * len(tasks) // columns])
                return Cause.of(result.faults[column], task)
        where = np.flatnonzero(~np.isfinite(returns.reshape(len(tasks), -1)).all(axis=1))
        return Cause.of(fault_of(returns.ravel(), sums), int(tasks[where[0] if len(where) else 0]))

    def _measured(self, values: np.ndarray) -> np.ndarray:
        """Rewards (U, T, Q) as an adaptation sees them."""
        if self.purpose is not Purpose.QUERY_EPISODE or not self.setup.corruption.active:
            return values
        if not self.setup.corruption.fraction:
            return self._noisy(values)
        measured = np.empty_like(values)
        for u, stream in enumerate(self.units.streams):
            for t, task in enumerate(self.units.tasks[u]):
                generator = self.setup.streams.generator(
                    Purpose.CORRUPTION, self.units.round, unit=stream, task=task, step=self.evaluations
                )
                has_pivot = self.setup.pivot_last(self.evaluations - 1)
                measured[u, t] = self.setup.corruption.apply(values[u, t], generator, has_pivot)
        return measured

    def _noisy(self, values: np.ndarray) -> np.ndarray:
        """As ``RewardCorruption.apply`` does without outliers, to the last bit, with the streams of all in one go."""
        drawn = np.empty((1, self.units.tasks.size, values.shape[-1]))
        units, tasks = np.repeat(self.units.streams, self.units.tasks.shape[1]), self.units.tasks.ravel()
        self.setup.streams.fill_normals_of_each(
            drawn, Purpose.CORRUPTION, self.units.round, units=units, tasks=tasks, step=self.evaluations
        )
        noisy: np.ndarray = values + self.setup.corruption.noise_std * drawn.reshape(values.shape)
        return noisy

    @property
    def _sharing(self) -> bool:
        return self.setup.share_rollouts and self.units.tasks.shape[1] > 1

    def run(self, parameters: np.ndarray, record: bool = False, shared: bool = False) -> RolloutResult:
        """The rollouts behind ``evaluate``, column order (unit, task, query, episode).

        ``shared``: parameters are (d, U, 1, Q), each for all tasks of its unit; returns are (T, columns).
        """
        return self.simulated(*self._columns(parameters, shared), record=record)

    def simulated(
        self, parameters: np.ndarray, tasks: np.ndarray, noise: np.ndarray | None, observer: Observer, *, record: bool
    ) -> RolloutResult:
        """The episodes of columns as of ``rollouts.simulate``: all that is simulated passes through this."""
        return simulate(
            self.setup.policy, self.setup.family, parameters, tasks, noise, observer, self.workspace, record
        )

    def _columns(
        self, parameters: np.ndarray, shared: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, Observer]:
        """What ``simulate`` is given of each episode: parameters, task, noise, observer."""
        size, queries = parameters.shape[0], parameters.shape[-1]
        repeats = queries * self.setup.episodes
        flat = parameters.reshape(size, -1)
        if self.setup.episodes > 1:
            flat = np.repeat(flat, self.setup.episodes, axis=1)
        if shared:
            table = np.repeat(self.setup.task_table[:, self.units.tasks.T], repeats, axis=2)
        else:
            table = np.repeat(self.setup.task_table[:, self.units.tasks.ravel()], repeats, axis=1)
        noise = self._noise(repeats, shared)
        if self.setup.policy.noise_per_step:
            flat = np.concatenate([flat, self.action_noise(repeats, shared)])
        self.evaluations += 1
        return flat, table, noise, self.observer.repeated(flat.shape[1] // len(self.units))

    def _noise(self, episodes: int, shared: bool) -> np.ndarray | None:
        size = self.setup.family.noise_size
        return self._drawn(self._purpose(shared), size, episodes, self._episode_noise) if size else None

    def action_noise(self, episodes: int, shared: bool = False) -> np.ndarray:
        """Standard normals (noise_per_step * horizon, columns) that policies act by in the next evaluation."""
        size = self.setup.policy.noise_per_step * self.setup.family.horizon
        purpose = ACTIONS[self._purpose(shared)]
        return self._drawn(purpose, size, episodes, lambda generator, count: generator.standard_normal((count, size)).T)

    def _purpose(self, shared: bool) -> Purpose:
        return Purpose.SHARED_EPISODE if shared else self.purpose

    def _drawn(
        self, purpose: Purpose, size: int, episodes: int, draw: Callable[[np.random.Generator, int], np.ndarray]
    ) -> np.ndarray:
        """``draw(generator, episodes)`` of each unit and task, or of each unit where its tasks share them; for parts of
        queries, theirs of what is drawn for all.
        """
        shared, part = purpose in (Purpose.SHARED_EPISODE, Purpose.SHARED_ACTIONS), self.units.part
        keys = np.zeros((len(self.units), 1), dtype=int) if shared else self.units.tasks
        drawn = np.empty((size, *keys.shape, episodes))
        last, found = None, np.empty((size, 0))
        for u, stream in enumerate(self.units.streams):
            first = part.starts[u] * self.setup.episodes if part else 0
            for t, task in enumerate(keys[u]):
                if last != (stream, task):  # neighbours may be parts of the same
                    generator = self.setup.streams.generator(
                        purpose, self.units.round, unit=stream, task=task, step=self.evaluations
                    )
                    found = draw(generator, part.whole * self.setup.episodes if part else episodes)
                    last = (stream, task) if part else None
                drawn[:, u, t] = found[:, first : first + episodes]
        return drawn.reshape(size, -1)

    def _episode_noise(self, generator: np.random.Generator, episodes: int) -> np.ndarray:
        family = self.setup.family
        try:
            noise = family.draw_noise(generator, episodes)
        except Exception as error:
            raise RolloutError(f"{family.name} raised {in_words(error)}") from error
        return checked_noise(family, noise, episodes)
