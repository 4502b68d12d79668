"""What a policy is: a flat vector of parameters for each simulation of a batch, bound once and asked at every step."""

from typing import Protocol

import numpy as np


class Bound(Protocol):
    """A policy with parameters, for a batch of B simulations."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (m, B) for observations (n, B). The next call may write into the same array."""


class AnyPolicy(Protocol):
    """The network of ``mlp.py``, or a policy around it that acts at random."""

    @property
    def size(self) -> int:
        """Number of parameters d."""

    @property
    def observation_size(self) -> int:
        """Numbers n of an observation."""

    @property
    def noise_per_step(self) -> int:
        """Standard normals that it needs to choose an action."""

    def initial(self, generator: np.random.Generator, output_gain: float = 1.0) -> np.ndarray:
        """Parameters (d,) to start from."""

    def bind(self, parameters: np.ndarray, mean: np.ndarray, std: np.ndarray, step: int = 0) -> Bound:
        """Ready to act from step ``step`` on, with parameters (d, B), or (d + noise, B) where it acts at random, on
        observations with this mean and standard deviation, each (n,) or (n, B).
        """
