"""Rank 0's side of ``trajectory_shares.py``: what it knows of an iteration's trajectories, and how it asks for more."""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np

from esmaml_mpi.baselines.baseline_fit import STEPS, feature_count
from esmaml_mpi.baselines.messages import NONE, packed
from esmaml_mpi.baselines.meta_gradient import Answers, Asked
from esmaml_mpi.baselines.moments import MOMENTS, joined_moments
from esmaml_mpi.baselines.trajectory_shares import KINDS, Told, TrajectoryShares
from esmaml_mpi.meta.stages import Stage, Step


class Sampled(NamedTuple):
    """Of one step, T tasks: ``origins`` (T, d) that have sampled it, none where that is theta; ``fits`` (T, f);
    ``steps`` (T,) of all trajectories; ``returns`` (T, E); ``rewards`` (T, 3), their moments. nan where a task failed.
    """

    origins: np.ndarray
    fits: np.ndarray
    steps: np.ndarray
    returns: np.ndarray
    rewards: np.ndarray


class NotAnswered(Exception):
    """A task could not be sampled again, or what was asked of its trajectories is not finite."""

    def __init__(self, failed: np.ndarray):
        """``failed`` (T,): which tasks."""
        super().__init__()
        self.failed = failed


class Asking:
    """One iteration around theta (d,): its steps so far, and which tasks are ``good`` (T,)."""

    def __init__(self, algorithm: TrajectoryShares, theta: np.ndarray, observation_size: int) -> None:
        self._algorithm, self._theta, self._size = algorithm, theta, observation_size
        self.sampled: list[Sampled] = []
        self.good = np.full(algorithm.batches.size, True)

    @property
    def returns(self) -> np.ndarray:
        """Of all steps side by side (T, E), nan for tasks that have failed, and where nothing was sampled."""
        found = np.full((len(self.good), self._algorithm.values), np.nan)
        told = np.concatenate([each.returns for each in self.sampled], axis=1)
        found[self.good, : told.shape[1]] = told[self.good]
        return found

    @property
    def current(self) -> float:
        """Mean return of the query, nan where there is none."""
        if len(self.sampled) <= self._algorithm.operator.steps or not self.good.any():
            return np.nan
        queried = self.sampled[-1].returns[self.good]
        return float(np.add.reduce(queried, axis=None) / queried.size)

    def mean(self, found: np.ndarray) -> np.ndarray:
        """Mean (k,) of rows (T, k) over the good tasks."""
        mean: np.ndarray = np.add.reduce(found[self.good], axis=0) / np.count_nonzero(self.good)
        return mean

    def step(self, gradient: np.ndarray | None, stays: str = "", failed: np.ndarray | None = None) -> Step:
        """What the iteration comes to; ``failed`` (T,): tasks that have, beside those that are not good."""
        values = self.returns if failed is None else np.where(failed[:, None], np.nan, self.returns)
        return Step(gradient, values.ravel(), self.current, stays=stays)

    def sample(self, origins: np.ndarray = NONE) -> Generator[Stage, np.ndarray, Sampled]:
        """Have the next step's trajectories sampled by origins (T, d), or by theta."""
        algorithm, step = self._algorithm, len(self.sampled)
        shares, estimation = algorithm.shares(step), algorithm.operator.advantages
        told = Told(origins, NONE, NONE, NONE)
        rows = yield self._stage(Asked.SAMPLES, step, algorithm.sample_width(step, self._size), told)
        returns, moments, summaries = np.split(rows, np.cumsum([shares.size * algorithm.episodes, MOMENTS]), axis=1)
        self.good &= np.isfinite(shares.by_task(rows)).all(axis=(1, 2))
        fits = np.full((shares.tasks, 2 + feature_count(self._size) + MOMENTS), np.nan)
        rewards = np.full((shares.tasks, MOMENTS), np.nan)
        for task in np.flatnonzero(self.good).tolist():
            fit = estimation.fitted(shares.by_task(summaries)[task], self._size, algorithm.horizon)
            fits[task] = np.concatenate([fit, np.zeros(MOMENTS)])
            rewards[task] = joined_moments(shares.by_task(moments)[task])
        if estimation.normalize and self.good.any():
            rows = yield self._stage(Asked.MOMENTS, step, MOMENTS, Told(origins, fits, NONE, NONE))
            self.good &= np.isfinite(shares.by_task(rows)).all(axis=(1, 2))
            fits[:, -MOMENTS:] = [joined_moments(found) for found in shares.by_task(rows)]
        fits[~self.good] = np.nan
        steps = shares.summed(summaries[:, STEPS : STEPS + 1])[:, 0]
        self.sampled.append(Sampled(origins, fits, steps, shares.in_a_row(returns), rewards))
        return self.sampled[-1]

    def adapted(self) -> Generator[Stage, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Sample all inner steps: where they lead (T, d), and the supports' mean log-probabilities (T,), summed."""
        operator, points, likelihoods = self._algorithm.operator, self._theta[None], np.zeros(len(self.good))
        for step in range(operator.steps):
            steps = (yield from self.sample(points if step else NONE)).steps
            found = (yield from self.ask(Asked.STEP, step)) / steps[:, None]
            points, likelihoods = points + operator.step_size * found[:, :-1], likelihoods + found[:, -1]
        return points, likelihoods

    def ask(
        self,
        asked: Asked,
        step: int,
        points: np.ndarray | None = None,
        vectors: np.ndarray | None = None,
        width: int | None = None,
    ) -> Answers:
        """See ``meta_gradient.py``. NotAnswered if an answer about a good task is nan."""
        known, d = self.sampled[step], self._theta.size
        width = width or {Asked.STEP: d + 1, Asked.OUTCOME: 2}.get(asked, d)
        told = Told(known.origins, known.fits, NONE if points is None else points, NONE if vectors is None else vectors)
        sums = self._algorithm.shares(step).summed((yield self._stage(asked, step, width, told)))
        failed = np.isnan(sums).any(axis=1)
        if failed[self.good].any():
            raise NotAnswered(failed)
        return sums

    def _stage(self, asked: Asked, step: int, width: int, told: Told) -> Stage:
        return Stage(step * KINDS + int(asked), self._algorithm.shares(step).units, width, packed(told))
