"""Episodes that end at different times, and are not stepped any further."""

import numpy as np

from esmaml_mpi.tasks.family import Simulation
from esmaml_mpi.tasks.workspace import Workspace


class EndingEpisodes:
    """Base of simulations whose episodes end early: who goes on, and when each was over.

    ``columns`` (b,) says which of the B episodes the present ones are; ``over`` (horizon, B) is for ``rewards``.
    """

    def __init__(self, batch: int, horizon: int, workspace: Workspace):
        self.batch, self.workspace = batch, workspace
        self.columns = np.arange(batch)
        self.running = np.ones(batch, dtype=bool)
        self.over = np.ones((horizon, batch), dtype=bool)
        self.steps = 0

    def narrow(self, kept: np.ndarray) -> None:
        """See ``family.Simulation``. Simulations that hold arrays of the present episodes select in them too."""
        self.columns, self.running = self.columns[kept], self.running[kept]

    def finish_step(self, ended: np.ndarray | None = None) -> None:
        """Count a step, after which the present episodes ``ended`` (b,) bool are over."""
        if ended is not None:
            self.running &= ~ended
        if np.count_nonzero(self.running) == self.batch:  # this is faster than all()
            self.over[self.steps] = False
        else:
            self.record(self.over, ~self.running)
        self.steps += 1

    def record(self, series: np.ndarray, values: np.ndarray | bool) -> None:
        """Write values (..., b) of the present step into a series (horizon, ..., B)."""
        if len(self.columns) == self.batch:
            series[self.steps] = values
        else:
            series[self.steps][..., self.columns] = values


def start(simulation: Simulation, observation: np.ndarray, count: int) -> None:
    """Reset into ``observation`` (n, B) the first ``count`` episodes; the others only stand beside them, and are not
    simulated where the simulation knows of ``running``.
    """
    if count < observation.shape[-1] and simulation.running is not None:
        simulation.running[count:] = False  # so that nothing is started for them
    simulation.reset(observation)
    if count < observation.shape[-1] and simulation.running is not None:
        simulation.running[count:] = False  # some set it in reset
