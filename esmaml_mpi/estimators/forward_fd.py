"""Forward finite differences: (1/m sigma) sum (f(theta + sigma g_i) - f(theta)) g_i (Song et al. 2020, section A.6)."""

import numpy as np


class ForwardFD:
    """Unbiased for a noise-free f; the paper's default in both loops."""

    signs = (1.0,)
    needs_pivot = True

    def differences(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        assert pivot is not None
        differences: np.ndarray = values[..., 0] - pivot[..., None]
        return differences
