"""Independent standard normals (Song et al. 2020, Algorithms 1 to 3)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Gaussian:
    """The distribution that defines the smoothing; the others are measured against it."""

    uses_basis = False

    def check(self, dimension: int, count: int) -> None:
        """Anything can be drawn."""

    def draw(self, generator: np.random.Generator, dimension: int, count: int) -> np.ndarray:
        """See ``Sampler``. The stream's first numbers, so that it is ``Streams.fill_normals``."""
        return generator.standard_normal((dimension, count))
