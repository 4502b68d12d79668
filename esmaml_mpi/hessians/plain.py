"""Algorithm 4 as printed: c_i = f_i (Song et al. 2020)."""

import numpy as np


class Plain:
    """Unbiased, but its error grows with |f| / sigma^2: what all rewards have in common is amplified, not cancelled.

    Of rewards that are standardised it is next to ``LeaveOneOut``, of rewards divided by their std.
    """

    mirrored = False
    needs_pivot = False
    fewest_directions = 1

    def coefficients(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        mean: np.ndarray = np.add.reduce(values, axis=-1) / values.shape[-1]
        return mean
