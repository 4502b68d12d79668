"""Ridge regression (RBO; the default of google-research/iris)."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.decoders.centring import centred
from esmaml_mpi.reproducibility.linear_algebra import gram, solve_positive, times
from esmaml_mpi.settings import setting


@dataclass(frozen=True)
class Ridge:
    """argmin_x |A x - b|^2 + lambda |x|^2, in closed form, with directions scaled as standard normals.

    iris has rows sigma g, hence lambda = (its regulariser) / sigma^2: its default 0.01 is 1 here at sigma = 0.1.
    es_maml's default is 0, least squares.

    Against noise, not outliers: it is linear in b. With m < d it knows the gradient only in the span of the
    directions: for small lambda the mean over directions is (m / d) x, so that step sizes of ``average`` do not carry
    over.
    """

    regularization: float = setting(1.0, "lambda of |A x - b|^2 + lambda |x|^2", above=0)
    intercept: bool = setting(False, "fit a shift common to all differences, such as a wrong pivot's")

    name = "ridge"
    requires = ()
    any_rows = True

    def fewest_rows(self, dimension: int) -> int:
        """See ``Decoder``: with one row and an intercept nothing is left of it."""
        return 2 if self.intercept else 1

    def decode(self, directions: np.ndarray, differences: np.ndarray) -> np.ndarray:
        """See ``Decoder``; a d x d system where d <= m, else m x m."""
        directions = np.ascontiguousarray(directions)
        if self.intercept:
            directions, differences = centred(directions, differences)
        dimension, count = directions.shape
        if dimension <= count:
            return solve_positive(self._shifted(gram(directions.T)), times(directions, differences))
        return times(directions, solve_positive(self._shifted(gram(directions)), differences))

    def _shifted(self, matrix: np.ndarray) -> np.ndarray:
        matrix.flat[:: len(matrix) + 1] += self.regularization
        return matrix
