"""Orthogonal Gaussian directions (Choromanski et al. 2018, "Structured evolution with compact architectures")."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.reproducibility.linear_algebra import orthonormalize


@dataclass(frozen=True)
class Orthogonal:
    """Blocks of at most d mutually orthogonal directions; blocks are independent.

    Each direction alone is exactly N(0, I): uniform on the sphere, with a length that is chi(d) and independent of it.
    Estimates therefore stay unbiased. For a linear f and count <= d the mean squared error over |b|^2 falls from
    (d + 1) / K to (d + 2) / K - 1.
    """

    uses_basis = False

    def check(self, dimension: int, count: int) -> None:
        """Anything can be drawn."""

    def draw(self, generator: np.random.Generator, dimension: int, count: int) -> np.ndarray:
        """See ``Sampler``. O(dimension count min(dimension, count))."""
        rows = generator.standard_normal((count, dimension))
        for start in range(0, count, dimension):
            block = rows[start : start + dimension]
            # In G = QR of a Gaussian matrix Q and R are independent, and the columns of G are as long as those of R:
            # the lengths before are independent of the axes after, and no more numbers are needed.
            lengths = _lengths(block)
            orthonormalize(block)
            block *= lengths[:, None]
        return np.ascontiguousarray(rows.T)


def _lengths(rows: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.sqrt(np.add.reduce(rows * rows, axis=1))
    return lengths
