"""A decayed memory of meta-gradients, and the subspace that most of them lie in (ASEBO: Choromanski et al. 2019, "From
Complexity to Simplicity: Adaptive ES-Active Subspaces for Blackbox Optimization").

    Cov <- decay Cov + (1 - decay) g g'

kept as a matrix B of at most ``rows`` rows with Cov = B'B, never as d x d numbers. Until ``rows`` gradients have come
this is exact. After that each new one pushes out the direction of the smallest eigenvalue of B'B, which is the best
that this many rows can keep; ``forgotten`` adds up what was lost.
"""

import numpy as np

from esmaml_mpi.directions.active_subspace import optimal_probability, squared_parts
from esmaml_mpi.directions.subspace import Subspace
from esmaml_mpi.reproducibility.linear_algebra import eigen, gram, orthonormalize, product

ROUNDING = 1e-14  # an eigenvalue below this fraction of the largest is none


class GradientMemory:
    """Memory of d-dimensional gradients in d x rows numbers; 0 <= decay < 1."""

    def __init__(self, dimension: int, rows: int, decay: float):
        self.rows, self.decay = rows, decay
        self._matrix = np.empty((0, dimension))
        self._latest = np.zeros(dimension)
        self.forgotten = 0.0  # trace of Cov that no longer is in B'B, decayed like the rest

    def __len__(self) -> int:
        return len(self._matrix)

    @property
    def trace(self) -> float:
        """Trace of B'B."""
        return float(np.add.reduce(self._matrix * self._matrix, axis=None))

    def add(self, gradient: np.ndarray) -> None:
        """Remember a gradient (d,); one that is not finite is refused with ValueError."""
        if not np.isfinite(gradient).all():
            raise ValueError("a gradient that is not finite cannot be remembered")
        self._latest = np.array(gradient)
        matrix = np.vstack([np.sqrt(self.decay) * self._matrix, np.sqrt(1 - self.decay) * gradient])
        self.forgotten *= self.decay
        if len(matrix) > self.rows:
            values, vectors = _eigen(matrix)
            matrix = product(vectors[:, : self.rows].T, matrix)
            self.forgotten += float(np.add.reduce(values[self.rows :]))
        self._matrix = matrix

    def basis(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Orthonormal columns (d, r) and their eigenvalues (r,), the fewest whose sum reaches ``threshold`` of the
        trace, largest first; r = 0 before any gradient other than zero.

        Each column's largest component is positive, whatever sign its eigenvector has.
        """
        dimension = self._matrix.shape[1]
        if not len(self._matrix):
            return np.empty((dimension, 0)), np.empty(0)
        values, vectors = _eigen(self._matrix)
        possible = int(np.count_nonzero(values[:dimension] > ROUNDING * values[0]))
        enough = np.searchsorted(np.cumsum(values), threshold * np.add.reduce(values)) + 1
        count = min(int(enough), possible)
        # The rows v'B are orthogonal up to rounding of the largest; this makes them so for the smallest as well.
        rows = product(vectors[:, :count].T, self._matrix)
        orthonormalize(rows)
        columns = np.ascontiguousarray(rows.T)
        largest = np.abs(columns).argmax(axis=0)
        return columns * np.sign(columns[largest, np.arange(count)]), values[:count]

    def subspace(self, threshold: float) -> Subspace:
        """The ``basis`` for this threshold, and the best probability of directions in it.

        The latest gradient is taken for the next one: s_act and s_orth are its squared norms in and outside the span.
        """
        basis, weights = self.basis(threshold)
        dimension, r = basis.shape
        if not 0 < r < dimension:
            return Subspace(basis, weights, 0.5)
        parts = squared_parts(self._latest, basis)
        return Subspace(basis, weights, optimal_probability(*parts, r, dimension, "full"))

    def to_arrays(self) -> dict[str, np.ndarray | np.generic]:
        """State for a checkpoint: ``matrix`` (n, d), ``latest`` (d,) and ``forgotten`` (), float64."""
        return {"matrix": self._matrix.copy(), "latest": self._latest.copy(), "forgotten": np.float64(self.forgotten)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], rows: int, decay: float) -> "GradientMemory":
        """Inverse of ``to_arrays``."""
        matrix = np.array(arrays["matrix"], dtype=np.float64)
        memory = cls(matrix.shape[1], rows, decay)
        memory._matrix, memory.forgotten = matrix, float(arrays["forgotten"])
        memory._latest = np.array(arrays["latest"], dtype=np.float64)
        return memory


def _eigen(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of B'B by way of the small B B', largest first and not below 0, and the eigenvectors of B B'."""
    values, vectors = eigen(gram(matrix.T))
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1]
