"""Evo-MAML's evolving step (Electronics 12(18):3865, 2023): candidates around the adapted parameters, mixed by merit.

The article's own constants are not known to us. Defaults of ``temperature``, ``sigma`` and ``candidates`` are EvoGrad's
(Bohdal et al., NeurIPS 2021), whose formula it is, and those of the repository 3951384218/er-maml, which speaks of
evolving gradients too and may not be the same authors'. Two things are guesses of ours:

- candidates lie around the parameters after the inner steps, and their mixture is what a new task is met with;
- performances are standardised over the candidates before the softmax, for rewards have any scale. With two candidates
  they are then +1 and -1 whatever they were, and at a temperature of 0.05 the better one takes all.
"""

from dataclasses import dataclass

import numpy as np

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.estimators.rewards import normalize
from esmaml_mpi.native.door import exp


@dataclass(frozen=True)
class Evolution:
    """``candidates`` P, ``sigma`` how far each parameter of a candidate moves, ``temperature`` tau."""

    candidates: int = 2
    sigma: float = 0.001
    temperature: float = 0.05

    def __post_init__(self) -> None:
        if self.candidates < 2:
            raise ConfigError(f"candidates = {self.candidates}: at least 2 are wanted, to be compared.")
        if not (self.sigma > 0 and self.temperature > 0):
            raise ConfigError(f"sigma = {self.sigma}, temperature = {self.temperature}: both must be above 0.")

    def points(self, theta: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """theta + sigma sign(g_p), (d, ..., P), of theta (d, ...) and standard normals g (d, ..., P)."""
        points: np.ndarray = theta[..., None] + self.sigma * np.sign(normals)
        return points

    def mixture(self, points: np.ndarray, performances: np.ndarray) -> np.ndarray:
        """sum_p w_p theta_p (d, ...), w = softmax(standardised performances / tau), of performances (..., P) on the
        support data. All weigh the same where performances do not differ.
        """
        merits = normalize(performances[..., None], None, "standardize")[0][..., 0] / self.temperature
        weights = exp(merits - merits.max(axis=-1, keepdims=True))
        weights /= np.add.reduce(weights, axis=-1)[..., None]
        mixture: np.ndarray = np.add.reduce(points * weights, axis=-1)
        return mixture
