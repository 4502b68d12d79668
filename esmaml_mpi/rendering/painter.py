"""What a painter is."""

from typing import Generic, TypeVar

import numpy as np

Family = TypeVar("Family")
Episode = TypeVar("Episode", contravariant=True)


class Painter(Generic[Family, Episode]):
    """Draws episodes of one family into frames (height, width, 3) uint8."""

    def __init__(self, family: Family, width: int, height: int):
        self.family, self.width, self.height = family, width, height

    @property
    def seconds(self) -> float | None:
        """Simulated time of one step; None: steps are not in time."""
        return getattr(self.family, "seconds", None)

    def fit(self, simulation: Episode, paths: list[np.ndarray]) -> None:
        """Choose limits that hold all of a finished simulation: the observations (steps + 1, n) of each episode.

        Not needed before ``frame``, but without it the limits of an open plane may change on the way.
        """

    def frame(self, simulation: Episode, column: int, observations: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        """Episode ``column`` now. ``observations`` (t + 1, n, B) is what reset and step wrote, ``tasks`` (p, B)."""
        raise NotImplementedError

    def close(self) -> None:
        """Free what the operating system has lent."""
