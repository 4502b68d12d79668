"""Observation statistics that each unit of work keeps for itself, as the released first-order code's workers do.

They belong to the unit, not to the rank that happens to evaluate it: rank 0 keeps them, and sends every rank the means
and standard deviations of all units.
"""

from collections.abc import Mapping

import numpy as np

from esmaml_mpi.observations.statistics import ZERO_STD


class UnitStatistics:
    """Running sums of ``units`` units over n-dimensional observations: each a count, n sums, n sums of squares."""

    def __init__(self, units: int, size: int):
        self.size = size
        self.sums = np.zeros((units, 1 + 2 * size))

    def add(self, sums: np.ndarray) -> None:
        """Add one iteration's (units, 1 + 2n). Every unit's own sum, so no grouping of units changes it."""
        self.sums = self.sums + sums

    def mean_std(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and population standard deviation, each (n, units); (0, 1) before any observation, std 1 if it is 0."""
        count = np.maximum(self.sums[:, :1], 1.0)
        mean, square = np.split(self.sums[:, 1:] / count, 2, axis=1)
        variance = square - mean * mean
        signal = variance > ZERO_STD**2 * square
        return mean.T.copy(), np.sqrt(np.where(signal, variance, 1.0)).T.copy()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """State for a checkpoint."""
        return {"sums": self.sums}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Inverse of ``to_arrays``."""
        self.sums = np.array(arrays["sums"])
