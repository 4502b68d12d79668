"""Antithetic pairs: c_i = (f(theta + sigma g_i) + f(theta - sigma g_i) - 2 f(theta)) / 2."""

import numpy as np


class Antithetic:
    """Unbiased; constant and odd terms of f cancel, so that the error is of the curvature's size. m directions cost 2m
    queries.

    What ``Pivot`` makes of mirrored pairs, and refused without them.
    """

    mirrored = True
    needs_pivot = True
    fewest_directions = 1

    def coefficients(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        centre = pivot[..., None]
        return ((values[..., 0] - centre) + (values[..., 1] - centre)) / 2
