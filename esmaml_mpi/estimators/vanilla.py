"""Vanilla Monte-Carlo estimator: (1/m sigma) sum f(theta + sigma g_i) g_i (Song et al. 2020, Algorithm 1)."""

import numpy as np


class Vanilla:
    """Unbiased, but its variance grows with f^2: shift rewards (``standardize``) before use."""

    signs = (1.0,)
    needs_pivot = False

    def differences(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        return values[..., 0]
