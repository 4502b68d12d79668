"""Episodes of a family that started together, stepped from outside: what both kinds of environment are made of."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.rollouts.simulate import FEWEST
from esmaml_mpi.tasks.ending import start
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.workspace import Workspace


@dataclass(frozen=True)
class Record:
    """Episodes as what can be kept of them: tasks (p, k), noise (noise_size, k) or None, the actions (m, k) of each
    step, and which columns of the batch are stopped.
    """

    tasks: np.ndarray
    noise: np.ndarray | None
    actions: list[np.ndarray]
    stopped: np.ndarray


class Episodes:
    """k episodes of tasks (p, k) with noise (noise_size, k) or None. ``steps``: done so far.

    A lone episode has a second beside it, as in training, where results must not depend on the size of a batch.
    """

    def __init__(self, family: TaskFamily, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace):
        self.count = tasks.shape[1]
        self.batch = max(self.count, FEWEST)
        self.tasks, noise = self._padded(tasks), None if noise is None else self._padded(noise)
        self.workspace, self.steps = workspace, 0
        self._noise, self._actions = noise, list[np.ndarray]()  # all that it takes to come here again
        self._stopped = np.zeros(self.batch, dtype=bool)
        self._all = workspace.array("observations", family.horizon + 1, family.observation_size, self.batch)
        with np.errstate(all="ignore"):
            self.simulation = family.simulation(self.tasks, None if noise is None else noise.copy(), workspace)
            start(self.simulation, self._all[0], self.count)

    @property
    def observations(self) -> np.ndarray:
        """All observations so far, (steps + 1, n, batch)."""
        return self._all[: self.steps + 1]

    @property
    def observation(self) -> np.ndarray:
        """The present ones, (k, n), as a copy."""
        return self._all[self.steps, :, : self.count].T.copy()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Act (m, k); rewards (k,) of the step and whether episodes are over after it (k,)."""
        self._actions.append(np.array(actions))
        with np.errstate(all="ignore"):
            self.simulation.step(self._padded(actions), self._all[self.steps + 1])
            self.steps += 1
            # Rewards may depend on the whole path. Only the last row is new.
            rewards, over = self.simulation.rewards(self.observations, self.tasks)
        ended = np.zeros(self.count, dtype=bool) if over is None else over[-1, : self.count].copy()
        return rewards[-1, : self.count].astype(np.float64), ended

    def stop(self, columns: np.ndarray) -> None:
        """Step episodes ``columns`` (batch,) bool no further, where that saves anything."""
        self._stopped |= columns
        if self.simulation.running is not None:
            self.simulation.running[columns] = False

    def record(self) -> Record:
        """What these episodes are made of, and what was done in them: plain arrays."""
        noise = None if self._noise is None else self._noise[:, : self.count]
        return Record(self.tasks[:, : self.count], noise, list(self._actions), self._stopped.copy())

    @classmethod
    def again(cls, family: TaskFamily, record: Record, workspace: Workspace) -> "Episodes":
        """Those of a record, as they were: their steps are simulated once more, to the same bits."""
        episodes = cls(family, record.tasks, record.noise, workspace)
        for actions in record.actions:
            episodes.step(actions)
        episodes.stop(record.stopped)
        return episodes

    def _padded(self, array: np.ndarray) -> np.ndarray:
        """A copy (..., batch) of an array (..., k)."""
        return np.repeat(array, 2, axis=-1) if self.count < self.batch else np.array(array)
