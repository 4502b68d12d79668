"""Antithetic pairs: c_i = (f(theta + sigma g_i) + f(theta - sigma g_i) - 2 f(theta)) / 2."""

import numpy as np


class Antithetic:
    """Unbiased; constant and odd terms of f cancel, so that only curvature adds to the error. m directions cost 2m
    queries, f(theta) apart.

    What ``Pivot`` makes of mirrored pairs; without them there is nothing to cancel, and an IndexError.
    """

    mirrored = True
    needs_pivot = True
    fewest_directions = 1

    def coefficients(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        assert pivot is not None
        centre = pivot[..., None]
        coefficients: np.ndarray = ((values[..., 0] - centre) + (values[..., 1] - centre)) / 2
        return coefficients
