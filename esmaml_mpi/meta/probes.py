"""Probes of a point: evaluations of the queries around it, and of the point itself."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.reproducibility.randomness import Round


@dataclass(frozen=True)
class Measured:
    """Rewards of a probe: those of the directions all of whose queries came back, and the pivot if any did.

    ``kept`` (m,) indices of directions, ``values`` (m, signs).
    """

    kept: np.ndarray
    values: np.ndarray
    pivot: float | None


@dataclass(frozen=True)
class Probe:
    """``perturbations`` of a point, then ``centres`` evaluations of the point, whose mean is the pivot.

    Methods take the round and, where tasks have directions of their own, their ids.
    """

    perturbations: Perturbations
    centres: int

    @property
    def count(self) -> int:
        """Evaluations of a probe."""
        return self.perturbations.queries + self.centres

    def points(
        self,
        centres: np.ndarray,
        evaluations: np.ndarray,
        at: Round,
        tasks: np.ndarray,
        subspace: Subspace | None = None,
    ) -> np.ndarray:
        """Parameters (d, n) of evaluations (n,) of tasks (n,): centre (d, n) + sign * sigma * g_i, or the centre."""
        moved = evaluations < self.perturbations.queries
        if moved.all():
            return self.perturbations.points(centres, evaluations, at, tasks, subspace)
        points = centres.copy()
        if moved.any():
            some = centres[:, moved], evaluations[moved], at, tasks[moved], subspace
            points[:, moved] = self.perturbations.points(*some)
        return points

    def keys(self, evaluations: np.ndarray) -> np.ndarray:
        """The numbers (n,) that key the randomness of evaluations (n,); mirrored twins share theirs."""
        return np.where(evaluations < self.perturbations.queries, self.perturbations.keys(evaluations), evaluations)

    def measured(self, values: np.ndarray) -> Measured | None:
        """What rewards (count,), nan where an evaluation failed, say; None if they are too few for a gradient."""
        queries = values[: self.perturbations.queries].reshape(-1, len(self.perturbations.signs))
        centres = values[self.perturbations.queries :]
        centres = centres[np.isfinite(centres)]
        (kept,) = np.nonzero(np.isfinite(queries).all(axis=1))
        if kept.size == 0 or (centres.size == 0 and ESTIMATORS[self.perturbations.estimator].needs_pivot):
            return None
        return Measured(kept, queries[kept], np.add.reduce(centres) / centres.size if centres.size else None)

    def weights(self, found: Measured, at: Round) -> np.ndarray:
        """The weights (m,) of all directions of a round in the gradient, if ``perturbations.summable``."""
        return self.perturbations.weights(found.kept, found.values, found.pivot, at)

    def gradient(
        self, found: Measured, dimension: int, at: Round, task: int = 0, subspace: Subspace | None = None
    ) -> np.ndarray:
        """Gradient (d,) of the smoothed reward at the point; 0 if there is no signal in the rewards."""
        return self.perturbations.gradient(found.kept, found.values, found.pivot, dimension, at, task, subspace)
