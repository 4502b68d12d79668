"""Algorithm 4 about the pivot: c_i = f_i - f(theta)."""

import numpy as np


class Pivot:
    """Unbiased, as E (g g' - I) = 0, with noisy pivots too. The slope of f stays: its error grows with |f'| / sigma."""

    mirrored = False
    needs_pivot = True
    fewest_directions = 1

    def coefficients(self, values: np.ndarray, pivot: np.ndarray | None) -> np.ndarray:
        assert pivot is not None
        mean: np.ndarray = np.add.reduce(values - pivot[..., None, None], axis=-1) / values.shape[-1]
        return mean
