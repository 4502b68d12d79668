"""How observations are normalised before a policy sees them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Observer:
    """What policies see: (s - mean) / std, each (n,), or (n, B) where B columns have their own."""

    mean: np.ndarray
    std: np.ndarray

    def of(self, columns: slice | np.ndarray) -> "Observer":
        """That of these columns, a slice or indices."""
        return self if self.mean.ndim == 1 else Observer(self.mean[:, columns], self.std[:, columns])

    def repeated(self, times: int) -> "Observer":
        """Each column ``times`` times."""
        if self.mean.ndim == 1 or times == 1:
            return self
        return Observer(np.repeat(self.mean, times, axis=1), np.repeat(self.std, times, axis=1))
