"""Episodes of a family that started together, stepped from outside: what both kinds of environment are made of."""

import numpy as np

from esmaml_mpi.rollouts.simulate import FEWEST
from esmaml_mpi.tasks.ending import start
from esmaml_mpi.tasks.family import TaskFamily
from esmaml_mpi.tasks.workspace import Workspace


class Episodes:
    """k episodes of tasks (p, k) with noise (noise_size, k) or None. ``steps``: done so far.

    A lone episode has a second beside it, as in training, where results must not depend on the size of a batch.
    """

    def __init__(self, family: TaskFamily, tasks: np.ndarray, noise: np.ndarray | None, workspace: Workspace):
        self.count = tasks.shape[1]
        self.batch = max(self.count, FEWEST)
        self.tasks, noise = self._padded(tasks), None if noise is None else self._padded(noise)
        self.workspace, self.steps = workspace, 0
        self._all = workspace.array("observations", family.horizon + 1, family.observation_size, self.batch)
        with np.errstate(all="ignore"):
            self.simulation = family.simulation(self.tasks, noise, workspace)
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
        with np.errstate(all="ignore"):
            self.simulation.step(self._padded(actions), self._all[self.steps + 1])
            self.steps += 1
            # Rewards may depend on the whole path. Only the last row is new.
            rewards, over = self.simulation.rewards(self.observations, self.tasks)
        ended = np.zeros(self.count, dtype=bool) if over is None else over[-1, : self.count].copy()
        return rewards[-1, : self.count].astype(np.float64), ended

    def stop(self, columns: np.ndarray) -> None:
        """Step episodes ``columns`` (batch,) bool no further, where that saves anything."""
        if self.simulation.running is not None:
            self.simulation.running[columns] = False

    def _padded(self, array: np.ndarray) -> np.ndarray:
        """A copy (..., batch) of an array (..., k)."""
        return np.repeat(array, 2, axis=-1) if self.count < self.batch else np.array(array)
