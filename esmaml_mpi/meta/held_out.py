"""The test protocol: adapt the current meta-policy to every test task, several times, and score it before and after."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.reproducibility.randomness import Round
from esmaml_mpi.rollouts.units import Units


@dataclass(frozen=True)
class HeldOut:
    """Test units: unit i is repeat i % repeats of task ``task_ids[i // repeats]``."""

    task_ids: tuple[int, ...]
    repeats: int

    @property
    def evaluations(self) -> int:
        """Number of test units."""
        return len(self.task_ids) * self.repeats

    def units(self, at: Round, indices: range) -> Units:
        """The units with these indices, one task each; a repeat is a stream."""
        tasks = [[self.task_ids[i // self.repeats]] for i in indices]
        return Units(
            at,
            np.array(tasks, dtype=np.int64).reshape(-1, 1),
            np.array([i % self.repeats for i in indices], dtype=np.int64),
        )

    def points(self, theta: np.ndarray, indices: range) -> np.ndarray:
        """theta for every unit, (d, U)."""
        return np.repeat(theta[:, None], len(indices), axis=1)
