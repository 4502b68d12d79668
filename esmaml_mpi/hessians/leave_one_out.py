"""Algorithm 4 about a baseline without a pivot: c_i = f_i - mean of f over the other directions."""

import numpy as np


class LeaveOneOut:
    """Unbiased where directions are independent; ``f_i`` minus the mean of all would be short by a factor 1 - 1/m.

    A mirrored twin is left out with its direction. Of mirrored pairs it is as accurate as ``Antithetic`` or more so:
    the baseline is near f_sigma(theta), from which f(theta) is about sigma^2 tr(H) / 2 away. Directions that depend on
    each other, as orthogonal ones do, make it biased: then the baseline knows of g_i.
    """

    mirrored = False
    needs_pivot = False
    fewest_directions = 2

    def coefficients(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        """ZeroDivisionError for one direction: there is no other."""
        sides = np.add.reduce(values, axis=-1) / values.shape[-1]
        m = sides.shape[-1]
        mean = np.add.reduce(sides, axis=-1) / m
        coefficients: np.ndarray = (sides - mean[..., None]) * (m / (m - 1))
        return coefficients
