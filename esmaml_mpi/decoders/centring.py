"""An intercept in a regression by least squares: what all differences have in common is no gradient.

A pivot that is off by c shifts every forward difference by -c / sigma. Fitting b = A x + c 1 instead of b = A x takes
that up; for a squared loss with a penalty on x alone the best c makes the mean residual zero, so centring rows and
differences is the same thing. It costs one row.
"""

import numpy as np


def centred(directions: np.ndarray, differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions (d, m) and differences (m,) without their means over the m rows."""
    return directions - directions.mean(axis=1, keepdims=True), differences - differences.mean()
