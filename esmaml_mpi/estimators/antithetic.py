"""Antithetic pairs:

(1/2m sigma) sum (f(theta + sigma g_i) - f(theta - sigma g_i)) g_i (Song et al. 2020, section A.6; Nesterov and
Spokoiny 2017).
"""

import numpy as np


class Antithetic:
    """Even terms of f cancel; m directions cost 2m queries."""

    signs = (1.0, -1.0)
    needs_pivot = False

    def differences(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        differences: np.ndarray = (values[..., 0] - values[..., 1]) / 2
        return differences
