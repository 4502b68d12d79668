"""Lasso regression (RBO), as a non-negative least-squares problem."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.decoders.centring import centred
from esmaml_mpi.reproducibility.magnitudes import exponents, scaled_by
from esmaml_mpi.settings import setting


@dataclass(frozen=True)
class Lasso:
    """argmin_x |A x - b|^2 / (2 m) + lambda |x|_1, lambda = ``regularization`` * max_j |A' b|_j / m.

    From that maximum on x is zero, so a fraction of it means the same for rewards of any size. With es_maml's |P x -
    b|^2 + lambda' |x|_1 over rows sigma g, lambda' = 2 m sigma^2 lambda; its default 0 is least squares, for which
    there is ``ridge``. scikit-learn's loss is the one here.

    For gradients with few large components; like ridge not against outliers.
    """

    regularization: float = setting(
        0.1, "lambda as a fraction of the smallest one that gives a zero gradient", above=0, below=1
    )
    intercept: bool = setting(False, "fit a shift common to all differences, such as a wrong pivot's")

    name = "lasso"
    requires = ("scipy",)
    any_rows = True

    def fewest_rows(self, dimension: int) -> int:
        """See ``Decoder``: with one row and an intercept nothing is left of it."""
        return 2 if self.intercept else 1

    def decode(self, directions: np.ndarray, differences: np.ndarray) -> np.ndarray:
        """See ``Decoder``.

        The dual asks for the point nearest to b where |A' y|_j <= m lambda for all j. Lawson and Hanson (1974,
        chapter 23) turn such a least-distance problem, min |u| with G u >= h, into min_{z >= 0} |[G'; h'] z - (0, ..,
        0, 1)|, with multipliers z / (1 - h' z). For u = y - b = -A x these multipliers are the positive and negative
        parts of x. With b scaled to length one 1 - h' z = 1 / (1 + |u|^2) is at least 1/2: nothing is lost in the
        division.
        """
        from scipy.optimize import nnls

        directions = np.ascontiguousarray(directions)
        if self.intercept:
            directions, differences = centred(directions, differences)
        power = exponents(differences)
        differences = scaled_by(differences, -power)
        size = np.sqrt(differences @ differences)
        correlations = directions @ differences
        largest = np.abs(correlations).max()
        if not largest > 0:
            return np.zeros(len(directions))
        correlations = correlations / size
        bound = self.regularization * largest / size
        matrix = np.concatenate([-directions, directions])  # G: rows a_j' y <= bound, then a_j' y >= -bound
        limits = np.concatenate([correlations - bound, -correlations - bound])
        target = np.zeros(differences.size + 1)
        target[-1] = 1
        parts, _ = nnls(np.concatenate([matrix, limits[:, None]], axis=1).T, target)
        positive, negative = np.split(parts / (1 - limits @ parts), 2)
        return scaled_by(size * (positive - negative), power)
