"""One iteration, drawn again while too many of its evaluations fail: what came of it, and what it cost."""

from dataclasses import dataclass, field

import numpy as np

from esmaml_mpi.meta.stages import Step
from esmaml_mpi.parallel.rounds import Reply


@dataclass
class Attempts:
    """An iteration: its step, its observations, and what all its attempts cost."""

    step: Step | None = None
    observations: int = 0  # of the last attempt, as are the limbs
    limbs: np.ndarray | int = 0
    redraws: int = 0
    rollouts: int = 0
    steps: int = 0
    stop_requested: bool = False
    seconds: dict[str, float] = field(default_factory=lambda: {"update": 0.0})

    @property
    def failed(self) -> int:
        """Evaluations of the last attempt that failed."""
        assert self.step is not None
        return int(np.count_nonzero(np.isnan(self.step.values)))

    def add(self, reply: Reply) -> None:
        """One more round."""
        self.observations, self.limbs = self.observations + reply.observations, self.limbs + reply.limbs
        self.rollouts, self.steps = self.rollouts + reply.rollouts, self.steps + reply.steps
        self.stop_requested |= reply.stop_requested
        for name, value in reply.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value
