"""The subspace that earlier meta-gradients suggest, as samplers of directions use it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Subspace:
    """Orthonormal ``basis`` (d, r), how much of the memory lies along each column as ``weights`` (r,), and the
    ``probability`` of a direction in it. r = 0: nothing is known yet.
    """

    basis: np.ndarray
    weights: np.ndarray
    probability: float

    @classmethod
    def unknown(cls, dimension: int) -> "Subspace":
        """Before the first meta-gradient."""
        return cls(np.empty((dimension, 0)), np.empty(0), 0.5)
