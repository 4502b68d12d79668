"""Which training tasks a unit adapts to."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.reproducibility.randomness import Purpose, Round, Streams


@dataclass(frozen=True)
class TaskBatches:
    """``size`` of ``tasks`` training tasks, drawn without replacement."""

    tasks: int
    size: int
    streams: Streams

    def draw(self, at: Round, unit: int = 0) -> np.ndarray:
        """Task ids (size,) of a unit; all of them, in order, when the batch is the whole set."""
        if self.size == self.tasks:
            return np.arange(self.size)
        generator = self.streams.generator(Purpose.TASK_BATCH, at, unit=unit)
        return generator.choice(self.tasks, self.size, replace=False)

    def draw_each(self, at: Round, units: np.ndarray) -> np.ndarray:
        """Those of many units (n,): (n, size) int64."""
        if self.size == self.tasks:
            return np.repeat(np.arange(self.size)[None], len(units), axis=0)
        return np.array([self.draw(at, int(unit)) for unit in units], dtype=np.int64).reshape(len(units), self.size)
