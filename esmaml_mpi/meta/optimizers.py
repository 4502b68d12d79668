"""How a meta-gradient moves theta: plain ascent (the paper's) or Adam."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from esmaml_mpi.settings.registry import Objects


class Optimizer(Protocol):
    """Steps theta (d,) along meta-gradients; what it remembers of them goes into checkpoints."""

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The next theta."""

    def to_arrays(self) -> dict[str, np.ndarray | np.generic]:
        """State for a checkpoint."""

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Inverse of ``to_arrays``."""


@dataclass
class SGD:
    """theta + beta * gradient."""

    step_size: float

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The next theta (d,)."""
        return theta + self.step_size * gradient

    def to_arrays(self) -> dict[str, np.ndarray | np.generic]:
        """State for a checkpoint."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take a checkpoint's state back."""


@dataclass
class Adam:
    """Adam (Kingma and Ba 2015, Algorithm 1), ascending."""

    step_size: float
    first_decay: float = 0.9
    second_decay: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        self.count = 0
        self.first: np.ndarray | float = 0.0
        self.second: np.ndarray | float = 0.0

    def step(self, theta: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The next theta (d,)."""
        self.count += 1
        self.first = self.first_decay * self.first + (1 - self.first_decay) * gradient
        self.second = self.second_decay * self.second + (1 - self.second_decay) * gradient * gradient
        mean = self.first / (1 - _power(self.first_decay, self.count))
        square = self.second / (1 - _power(self.second_decay, self.count))
        return theta + self.step_size * mean / (np.sqrt(square) + self.epsilon)

    def to_arrays(self) -> dict[str, np.ndarray | np.generic]:
        """State for a checkpoint: ``count`` () and both moments (d,), scalars before the first step."""
        return {"count": np.int64(self.count), "first": np.asarray(self.first), "second": np.asarray(self.second)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take a checkpoint's state back."""
        self.count = int(arrays["count"])
        self.first, self.second = np.array(arrays["first"]), np.array(arrays["second"])


def _power(base: float, count: int) -> float:
    """base^count by squaring; the C library's has other last bits on other processors."""
    found = 1.0
    while count:
        if count & 1:
            found *= base
        base *= base
        count >>= 1
    return found


# Name -> what makes one from a step size.
OPTIMIZERS = Objects(
    "meta.optimizer", "optimizers", {"sgd": SGD, "adam": Adam}, methods=("step", "to_arrays", "restore")
)
