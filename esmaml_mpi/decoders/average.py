"""The Monte-Carlo average (Song et al. 2020, section A.6)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Average:
    """(1/m) sum_i b_i g_i.

    Unbiased for standard normal directions at any m; one difference that is wrong by c moves it by c |g_i| / m.
    """

    name = "average"
    requires = ()
    any_rows = False

    def fewest_rows(self, dimension: int) -> int:
        """See ``Decoder``."""
        return 1

    def decode(self, directions: np.ndarray, differences: np.ndarray) -> np.ndarray:
        """See ``Decoder``."""
        # In C order, so that NumPy's order of summation does not depend on how the caller keeps its directions.
        products = np.multiply(directions, differences / differences.size, order="C")
        gradient: np.ndarray = np.add.reduce(products, axis=-1)
        return gradient
