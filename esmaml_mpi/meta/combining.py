"""What one rank does for a combination: its part of the sums, and what the parts of all come to."""

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.stages import Combination
from esmaml_mpi.reproducibility import fixed_point
from esmaml_mpi.reproducibility.randomness import Round


class Combining:
    """The sums of a combination, whose slots' directions are those of ``perturbations`` and of ``tasks`` (S,).

    A sum is in fixed point, each slot's in units of its own.
    """

    def __init__(
        self,
        combination: Combination,
        perturbations: Perturbations,
        tasks: np.ndarray,
        dimension: int,
        at: Round,
        subspace: Subspace | None,
    ) -> None:
        self.combination, self.perturbations, self.tasks = combination, perturbations, tasks
        self.dimension, self.at, self.subspace = dimension, at, subspace

    def part(self, addends: np.ndarray) -> np.ndarray:
        """Sums (S, d) int64 of these addends (n,), some of the combination's."""
        weights, total = self.combination.weights, np.zeros((len(self.tasks), self.dimension), dtype=np.int64)
        slots, indices = np.divmod(addends, weights.shape[1])
        for slot in np.unique(slots).tolist():
            chosen = indices[slots == slot]
            total[slot] = self.perturbations.partial_sum(
                weights[slot], chosen, self._exponent(slot), self.dimension, self.at, self.tasks[slot], self.subspace
            )
        return total

    def value(self, total: np.ndarray) -> np.ndarray:
        """The sums (S, d) float64 that all parts added up, (S, d) int64, stand for."""
        found = np.zeros(total.shape)
        found[~self.combination.finite] = np.nan
        for slot in np.flatnonzero(self.combination.weights.any(axis=1) & self.combination.finite).tolist():
            found[slot] = fixed_point.value(total[slot], self._exponent(slot))
        return found

    def _exponent(self, slot: int) -> int:
        weights = self.combination.weights[slot]
        return self.perturbations.exponent(weights, self.dimension, self.at, self.tasks[slot], self.subspace)
