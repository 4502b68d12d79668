"""LP decoding (RBO; Candes and Tao 2005, "Decoding by Linear Programming")."""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.decoders.centring import centred
from esmaml_mpi.settings import setting

RANK = 1e-12  # eigenvalues of A A' below this fraction of the largest are rounding: centred rows have one


@dataclass(frozen=True)
class LPDecoding:
    """argmin_x |A x - b|_1: exact although a share of the differences is arbitrarily wrong, if there are rows enough.

    The minimum fits at least d rows exactly; with m >> d these are correct ones. docs/decoders.md says how many are
    needed.

    With m <= d every b, wrong or not, is fitted exactly, and for m < d by infinitely many x. Then the shortest of them
    comes back: finite, and exactly as vulnerable as least squares. ``check_rows`` refuses such a configuration.
    """

    intercept: bool = setting(False, "fit a shift common to all differences, such as a wrong pivot's")

    name = "lp"
    requires = ("scipy",)
    any_rows = True

    def fewest_rows(self, dimension: int) -> int:
        """See ``Decoder``: one more than there are unknowns."""
        return dimension + 1 + self.intercept

    def decode(self, directions: np.ndarray, differences: np.ndarray) -> np.ndarray:
        """See ``Decoder``. RuntimeError if the solver gives up."""
        directions = np.ascontiguousarray(directions)
        dimension, count = directions.shape
        if count < self.fewest_rows(dimension):
            if self.intercept:
                directions, differences = centred(directions, differences)
            shortest: np.ndarray = directions @ (
                np.linalg.pinv(directions.T @ directions, rcond=RANK, hermitian=True) @ differences
            )
            return shortest
        size = np.abs(differences).max()
        if not size > 0:
            return np.zeros(dimension)
        gradient: np.ndarray = size * self._minimum(directions, differences / size)[:dimension]
        return gradient

    def _minimum(self, directions: np.ndarray, differences: np.ndarray) -> np.ndarray:
        """The minimiser from the dual, max b'y with A'y = 0 and |y_i| <= 1: m unknowns and d equations, where the
        primal has 2m + d and m. The multipliers of an optimal basis are an optimal x.
        """
        from scipy.optimize import linprog

        rows = np.vstack([directions, np.ones(directions.shape[1])]) if self.intercept else directions
        found = linprog(-differences, A_eq=rows, b_eq=np.zeros(len(rows)), bounds=(-1, 1), method="highs-ds")
        if not found.success:
            raise RuntimeError(f"LP decoding: {found.message}")
        multipliers: np.ndarray = -found.eqlin.marginals
        return multipliers
