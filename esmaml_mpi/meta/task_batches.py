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
