"""Orthogonal Gaussian directions (Choromanski et al. 2018, "Structured evolution with compact architectures")."""

from dataclasses import dataclass

import numpy as np


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


def orthonormalize(rows: np.ndarray) -> None:
    """Gram-Schmidt in place, rows (n, d) with n <= d: the Q of a QR whose R has a positive diagonal.

    Only that Q is Haar distributed for Gaussian rows; LAPACK's needs its signs corrected, and its last bits depend on
    the machine, which these sums do not. Each row goes through twice, which leaves rounding errors only.
    """
    for i, row in enumerate(rows):
        before = rows[:i]
        for _ in range(2):
            row -= np.einsum("nd,n->d", before, np.einsum("nd,d->n", before, row))
        row /= _lengths(row[None])[0]


def _lengths(rows: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    return lengths
