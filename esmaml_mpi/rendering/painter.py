"""What a painter is."""

import numpy as np

from esmaml_mpi.tasks.family import Simulation, TaskFamily


class Painter:
    """Draws episodes of one family into frames (height, width, 3) uint8."""

    def __init__(self, family: TaskFamily, width: int, height: int):
        self.family, self.width, self.height = family, width, height

    @property
    def seconds(self) -> float | None:
        """Simulated time of one step; None: steps are not in time."""
        return getattr(self.family, "seconds", None)

    def fit(self, simulation: Simulation, paths: list[np.ndarray]) -> None:
        """Choose limits that hold all of a finished simulation: the observations (steps + 1, n) of each episode.

        Not needed before ``frame``, but without it the limits of an open plane may change on the way.
        """

    def frame(self, simulation: Simulation, column: int, observations: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        """Episode ``column`` now. ``observations`` (t + 1, n, B) is what reset and step wrote, ``tasks`` (p, B)."""
        raise NotImplementedError

    def close(self) -> None:
        """Free what the operating system has lent."""
